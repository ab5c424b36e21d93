import type { WireMessage } from '../../protocol/wire-message.ts';
import { newId } from '../../kernel/ids.ts';
import { readEnvelope, writeEnvelope } from '../virtual/envelope.ts';
import type { Broadcast, Route } from '../virtual/queue-store.ts';
import type { StoreConnections } from './connections.ts';
import type { RedisKeys } from './keys.ts';

/** Fanout by publish/subscribe, on kombu's channels: `/{db}.{exchange}[/{routing key}]`. Who is not there does not hear. */
export function redisBroadcast(connections: StoreConnections, keys: RedisKeys): Broadcast {
  const channelOf = (topic: string): string => keys.channel(connections.options.fanoutPatterns ? topic : topic.replace(/\/.*$/s, ''));
  return {
    async publish(topic: string, message: WireMessage, route?: Route): Promise<void> {
      const [exchange = '', ...routingKey] = topic.split('/');
      const labels = route ?? { exchange, routingKey: routingKey.join('/') };
      await connections.command.call('PUBLISH', channelOf(topic), writeEnvelope(message, { ...labels, deliveryTag: newId() }));
    },
    async subscribe(topic: string, onMessage: (message: WireMessage, route?: Route) => void): Promise<AsyncDisposable> {
      const subscriber = await connections.subscriber();
      return subscriber.subscribePattern(channelOf(topic), (text) => {
        const { message, exchange, routingKey } = readEnvelope(text.toString());
        onMessage(message, { exchange, routingKey });
      });
    },
  };
}
