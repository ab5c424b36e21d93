import { eventRoutingKey } from '../protocol/event.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { Core } from './app-core.ts';
import { retryPolicyOf } from './encode.ts';

/** `task-sent`, which tells that a message has left (`taskSendSentEvent`): on the way of the messages themselves. It may get lost; calls may not. */
export function tellSent(core: Core, fields: JsonObject): Promise<void> {
  return publishSent(core, fields).catch((error: unknown) => core.log.debug('the event task-sent could not be sent', { error }));
}

async function publishSent(core: Core, fields: JsonObject): Promise<void> {
  const { clock, lamport, origin: hostname, serializers, settings } = core;
  const type = (await core.publishLink()).transport.capabilities.broadcast;
  // Nobody would hear.
  if (type === false) return;
  const utcoffset = new Date(clock.now()).getTimezoneOffset() / 60;
  const event = { hostname, utcoffset, pid: process.pid, clock: lamport.forward(), ...fields, timestamp: clock.now() / 1000, type: 'task-sent' };
  const { body, contentType, contentEncoding } = await serializers.encode(event, { serializer: settings.eventSerializer });
  const exchange = { name: settings.eventExchange, type, durable: true, autoDelete: false, arguments: {} };
  await core.publish([
    {
      message: { body, contentType, contentEncoding, headers: { hostname }, properties: { persistent: false } },
      exchange: exchange.name,
      routingKey: eventRoutingKey('task-sent'),
      options: {},
      declare: { exchange, bindings: [] },
      retryPolicy: retryPolicyOf({}, settings),
    },
  ]);
}
