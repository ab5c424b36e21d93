import type { Consumer } from '../../messaging/consumer.ts';
import { aborted, withDeadline } from '../deadline.ts';
import type { WorkerContext } from '../context.ts';

/** How often it looks; two looks in a row must agree. */
const LOOK_MS = 10_000;
/** How long the broker may take to say how much there is. */
const ANSWER_MS = 5000;

export interface Watchdog {
  /** Something has come. */
  seen(): void;
  watch(consumer: Consumer): Disposable;
}

/** A worker must never be alive and silent: while there is room here and work there, but nothing comes, it has the consumer subscribe again. */
export function watchdog(context: WorkerContext): Watchdog {
  const { clock, log } = context;
  let lastSeenMs = clock.monotonic();
  let suspicions = 0;
  return {
    seen() {
      lastSeenMs = clock.monotonic();
    },
    watch(consumer) {
      let timer = clock.schedule(LOOK_MS, again);
      let isOver = false;
      function again(): void {
        void look(consumer)
          .catch((error: unknown) => log.debug('the watchdog could not look at the queues', { error }))
          .finally(() => {
            if (!isOver) timer = clock.schedule(LOOK_MS, again);
          });
      }
      return {
        [Symbol.dispose]: () => {
          isOver = true;
          timer[Symbol.dispose]();
        },
      };
    },
  };

  async function look(consumer: Consumer): Promise<void> {
    const isSilent = clock.monotonic() - lastSeenMs >= LOOK_MS;
    const { channel } = consumer;
    const wants = context.window() > context.reservations.held - context.reservations.olderHeld;
    if (!isSilent || !wants || channel === undefined) return void (suspicions = 0);
    const waiting = await withDeadline(clock, ANSWER_MS, (late) => Promise.race([count(consumer), aborted(late)]));
    suspicions = waiting === 0 ? 0 : suspicions + 1;
    if (suspicions < 2) return;
    suspicions = 0;
    consumer.resubscribe(
      waiting === undefined
        ? 'the broker does not answer'
        : `${waiting} messages wait, but none came for ${Math.round((clock.monotonic() - lastSeenMs) / 1000)} s`,
    );
  }

  async function count(consumer: Consumer): Promise<number> {
    const infos = await Promise.all(consumer.queues.map((queue) => consumer.channel?.queueInfo(queue)));
    return infos.reduce((sum, info) => sum + (info?.messages ?? 0), 0);
  }
}
