import { ImproperlyConfigured } from '../errors.ts';
import type { Channel } from '../transports/transport.ts';
import type { Declaration, OutgoingMessage } from './outgoing.ts';

/*
 * Native delayed delivery on RabbitMQ (wire.md 5.2.3): a ladder of 28 queues in which messages grow old for 2^27, 2^26, … 1 seconds. The delay stands
 * in binary before the routing key; at each rung a topic exchange leads into the queue where its bit is 1, and past it where it is 0. What comes out at
 * the foot goes to the exchange it was meant for. Workers declare it; a producer does so where no worker has been yet.
 */

const TOP = 27;
/** Nothing can wait longer than 8.5 years. */
const MAX_SECONDS = 2 ** (TOP + 1) - 1;
/** Where what has waited long enough comes out, on its way to the exchange that it was meant for. */
export const FOOT = 'celery_delayed_delivery';
const PREFIX = /^(?:[01]\.){28}/;

export type DelayQueueType = 'classic' | 'quorum';

const rung = (level: number): string => `celery_delayed_${level}`;
const topic = (name: string) => ({ name, type: 'topic', durable: true, autoDelete: false, arguments: {} }) as const;

/** The routing key without the delay that it came with. */
export const withoutDelay = (routingKey: string): string => routingKey.replace(PREFIX, '');

/** The message as it goes to the ladder; itself where less than a second is left, which whoever takes it waits for. RangeError where the ladder is too short. */
export function delayed(message: OutgoingMessage, nowMs: number): OutgoingMessage {
  const seconds = Math.trunc(((message.options.notBeforeMs ?? 0) - nowMs) / 1000);
  if (seconds < 1) return message;
  if (seconds > MAX_SECONDS)
    throw new RangeError(`an eta or countdown of ${seconds} s was given, but RabbitMQ can hold a message back for ${MAX_SECONDS} s (8.5 years) at most`);
  const bits = [...seconds.toString(2).padStart(TOP + 1, '0')].join('.');
  return { ...message, exchange: rung(TOP), routingKey: `${bits}.${withoutDelay(message.routingKey)}` };
}

/** Declares the whole ladder, as Celery's workers do. */
export async function declareLadder(channel: Channel, queueType: DelayQueueType): Promise<void> {
  const strategy = queueType === 'quorum' ? { 'x-dead-letter-strategy': 'at-least-once' } : {};
  await channel.declareExchange(topic(FOOT));
  for (let level = 0; level <= TOP; level++) {
    const name = rung(level);
    const next = level === 0 ? FOOT : rung(level - 1);
    const before = '*.'.repeat(TOP - level);
    await channel.declareExchange(topic(name));
    await channel.declareQueue({
      name,
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: {
        'x-queue-type': queueType,
        'x-overflow': 'reject-publish',
        'x-message-ttl': 2 ** level * 1000,
        'x-dead-letter-exchange': next,
        ...strategy,
      },
    });
    await channel.bind({ queue: name, exchange: name, routingKey: `${before}1.#`, arguments: {} });
    await bindExchange(channel, { destination: next, source: name, routingKey: `${before}0.#` });
  }
}

/** Declares it where nobody has: a message to an exchange that is not there would be lost. */
export async function ensureLadder(channel: Channel, queueType: DelayQueueType): Promise<void> {
  if ((await channel.queueInfo(rung(TOP))) === undefined) await declareLadder(channel, queueType);
}

/** Leads from the foot of the ladder to a queue. Queues behind direct exchanges cannot be reached: a direct exchange does not look behind the delay. */
export async function bindToLadder(channel: Channel, { queue, exchange, bindings }: Declaration): Promise<boolean> {
  if (queue === undefined || exchange === undefined || exchange.type === 'direct') return false;
  for (const { routingKey } of bindings.filter((one) => one.exchange === exchange.name)) {
    const behind = routingKey.startsWith('#') ? routingKey : `#.${routingKey}`;
    await bindExchange(channel, { destination: exchange.name, source: FOOT, routingKey: behind });
    await channel.bind({ queue: queue.name, exchange: exchange.name, routingKey: behind, arguments: {} });
  }
  return true;
}

async function bindExchange(channel: Channel, binding: Parameters<NonNullable<Channel['bindExchange']>>[0]): Promise<void> {
  if (channel.bindExchange === undefined) throw new ImproperlyConfigured('this broker cannot bind an exchange to another, which native delayed delivery needs');
  await channel.bindExchange(binding);
}
