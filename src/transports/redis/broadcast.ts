import { newId } from '../../kernel/ids.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { readEnvelope, writeEnvelope } from '../virtual/envelope.ts';
import type { Broadcast, Route } from '../virtual/queue-store.ts';
import type { StoreConnections } from './connections.ts';
import type { RedisKeys } from './keys.ts';

/** How many of the newest messages of a topic are told from their doubles. */
const REMEMBERED = 1000;

/**
 * Fanout by publish/subscribe, on kombu's channels: `/{db}.{exchange}[/{routing key}]`. Who is not there does not hear.
 * With `sentinel_fanout_compat` on the channels of kombu before 5.4, too; what comes on both is one message.
 */
export function redisBroadcast(connections: StoreConnections, keys: RedisKeys): Broadcast {
  const channelsOf = (topic: string): readonly string[] => keys.channels(connections.options.fanoutPatterns ? topic : topic.replace(/\/.*$/s, ''));
  return {
    async publish(topic: string, message: WireMessage, route?: Route): Promise<void> {
      const [exchange = '', ...routingKey] = topic.split('/');
      const labels = route ?? { exchange, routingKey: routingKey.join('/') };
      const text = writeEnvelope(message, { ...labels, deliveryTag: newId() });
      await Promise.all(channelsOf(topic).map((channel) => connections.command.call('PUBLISH', channel, text)));
    },
    async subscribe(topic: string, onMessage: (message: WireMessage, route?: Route) => void): Promise<AsyncDisposable> {
      const subscriber = await connections.subscriber();
      const channels = channelsOf(topic);
      const isDouble = channels.length === 1 ? () => false : doubles();
      const listening = await Promise.all(
        channels.map((channel) =>
          subscriber.subscribePattern(channel, (bytes) => {
            const text = bytes.toString();
            const { message, exchange, routingKey } = readEnvelope(text);
            if (!isDouble(text)) onMessage(message, { exchange, routingKey });
          }),
        ),
      );
      return { [Symbol.asyncDispose]: async () => void (await Promise.all(listening.map((one) => one[Symbol.asyncDispose]()))) };
    },
  };
}

/** Tells whether an envelope has been seen before, by its delivery tag; one without a tag cannot be told from another. */
function doubles(): (envelope: string) => boolean {
  const seen = new Set<string>();
  return (envelope) => {
    const tag = /"delivery_tag": ?"([^"]*)"/.exec(envelope.slice(envelope.lastIndexOf('"delivery_tag"')))?.[1];
    if (tag === undefined) return false;
    if (seen.has(tag)) return true;
    seen.add(tag);
    const [oldest] = seen;
    if (seen.size > REMEMBERED) seen.delete(oldest!);
    return false;
  };
}
