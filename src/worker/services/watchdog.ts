import type { Consumer } from '../../messaging/consumer.ts';
import type { Delivery } from '../../transports/transport.ts';
import { aborted, withDeadline } from '../deadline.ts';
import type { WorkerContext } from '../context.ts';

/** How often it looks; two looks in a row must agree. */
const LOOK_MS = 10_000;
/** How long the broker may take to answer. */
const ANSWER_MS = 5000;

export interface Watchdog {
  /** Something has come. */
  seen(): void;
  watch(consumer: Consumer): Disposable;
}

/**
 * A worker must never be alive and silent: while there is room here and work there, but nothing comes, it has the consumer subscribe again.
 * A queue's length alone is no proof, since some brokers count what is not due yet: the proof is a message taken by hand, which is run like any other.
 */
export function watchdog(context: WorkerContext, receive: (delivery: Delivery) => void): Watchdog {
  const { clock, log } = context;
  let lastSeenMs = clock.monotonic();
  let suspicions = 0;
  return {
    seen() {
      lastSeenMs = clock.monotonic();
    },
    watch(consumer) {
      let isOver = false;
      const again = (): void => {
        void look(consumer)
          .catch((error: unknown) => log.debug('the watchdog could not look at the queues', { error }))
          .finally(() => {
            if (!isOver) timer = clock.schedule(LOOK_MS, again);
          });
      };
      let timer = clock.schedule(LOOK_MS, again);
      return {
        [Symbol.dispose]: () => {
          isOver = true;
          timer[Symbol.dispose]();
        },
      };
    },
  };

  async function look(consumer: Consumer): Promise<void> {
    const { reservations } = context;
    const isSilent = clock.monotonic() - lastSeenMs >= LOOK_MS;
    const hasRoom = context.window() > reservations.held - reservations.olderHeld;
    const waiting = isSilent && hasRoom && consumer.channel !== undefined ? await answered(waitingIn(consumer)) : 0;
    suspicions = waiting === 0 ? 0 : suspicions + 1;
    if (suspicions < 2) return;
    suspicions = 0;
    const taking = waiting === undefined ? undefined : takeOne(consumer);
    const taken = taking === undefined ? undefined : await answered(taking);
    if (taken === null) return;
    // An answer that comes too late still brings a message, and it is ours by then.
    if (taken === undefined)
      taking?.then((late) => late !== null && receive(late)).catch((error: unknown) => log.debug('the watchdog took nothing', { error }));
    const silentMs = clock.monotonic() - lastSeenMs;
    consumer.resubscribe(taken === undefined ? 'the broker does not answer' : `messages wait, but none came for ${Math.round(silentMs / 1000)} s`);
    if (taken !== undefined) receive(taken);
  }

  /** Undefined when there is no answer in time. */
  function answered<T>(answer: Promise<T>): Promise<T | undefined> {
    return withDeadline(clock, ANSWER_MS, (late) => Promise.race([answer, aborted(late)]));
  }
}

async function waitingIn(consumer: Consumer): Promise<number> {
  const infos = await Promise.all(consumer.queues.map((queue) => consumer.channel?.queueInfo(queue)));
  return infos.reduce((sum, info) => sum + (info?.messages ?? 0), 0);
}

/** Null when nothing can be taken: then the consumer has missed nothing. */
async function takeOne(consumer: Consumer): Promise<Delivery | null> {
  for (const queue of consumer.queues) {
    const delivery = await consumer.channel?.get(queue);
    if (delivery !== undefined) return delivery;
  }
  return null;
}
