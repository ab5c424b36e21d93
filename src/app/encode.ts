import type { PlannedMessage, RouteOptions } from '../canvas/plan.ts';
import type { Settings } from '../config/settings/index.ts';
import { durationMs } from '../kernel/duration.ts';
import type { OutgoingMessage, OutgoingRetryPolicy } from '../messaging/outgoing.ts';
import type { JsonObject, ValueMap } from '../protocol/json.ts';
import type { CustomTypes } from '../protocol/custom-types.ts';
import { encodeTaskBody, keptEmbed, taskBodyValue, type Embed, type TaskMessage } from '../protocol/task-message.ts';
import type { MessageProperties } from '../protocol/wire-message.ts';
import type { EncodedBody, SerializerRegistry } from '../serialization/registry.ts';
import type { Destination } from './router.ts';

/** A routed call as a message that can be sent. A promise only where a codec must be loaded, or compresses asynchronously. */
export function encodeCall(
  call: PlannedMessage,
  destination: Destination,
  { settings, serializers, types }: { readonly settings: Readonly<Settings>; readonly serializers: SerializerRegistry; readonly types?: CustomTypes },
): OutgoingMessage | Promise<OutgoingMessage> {
  const planned = types === undefined || types.isEmpty ? call : { ...call, message: packed(call.message, types) };
  const { route } = destination;
  const serializer = route.serializer ?? settings.taskSerializer;
  const compression = route.compression ?? settings.taskCompression ?? undefined;
  const finish = (body: EncodedBody): OutgoingMessage => outgoing(planned, destination, body, settings);
  if (serializer === 'json' && compression === undefined) {
    return finish({ body: { text: encodeTaskBody(planned.message) }, contentType: 'application/json', contentEncoding: 'utf-8' });
  }
  const encoded = serializers.encode(taskBodyValue(planned.message), { serializer, compression });
  return encoded instanceof Promise ? encoded.then(finish) : finish(encoded);
}

/** The values of own types in a form that travels, in what the call is to start next too. */
export function packed(message: TaskMessage, types: CustomTypes): TaskMessage {
  if (types.isEmpty) return message;
  const { args, kwargs, embed } = message;
  return { ...message, args: types.pack(args), kwargs: types.pack(kwargs), embed: packedEmbed(embed, types) };
}

/** Kept steps are as they travel already, and may hold types that only those who run them know. */
function packedEmbed(embed: Embed, types: CustomTypes): Embed {
  const { callbacks, errbacks, chord, kept } = embed;
  return kept === undefined ? types.pack(embed) : keptEmbed(types.pack({ callbacks, errbacks, chord }), kept);
}

function outgoing(planned: PlannedMessage, destination: Destination, body: EncodedBody, settings: Readonly<Settings>): OutgoingMessage {
  const { route, exchange, routingKey, declare } = destination;
  const { headers } = planned.message;
  return {
    message: {
      body: body.body,
      contentType: body.contentType,
      contentEncoding: body.contentEncoding,
      headers: body.compression === undefined ? headers : { ...headers, compression: body.compression },
      properties: { ...propertiesOf(destination, settings), correlationId: headers.id },
    },
    exchange,
    routingKey,
    options: route.notBeforeMs === undefined ? {} : { notBeforeMs: route.notBeforeMs },
    declare,
    retryPolicy: retryPolicyOf(route, settings),
    ...(destination.delay === undefined ? {} : { delay: destination.delay }),
  };
}

/** What the envelope says of a message beside its id. */
export function propertiesOf({ route, deliveryMode }: Destination, settings: Readonly<Settings>): MessageProperties {
  const priority = route.priority ?? settings.taskDefaultPriority ?? undefined;
  return {
    persistent: deliveryMode === 2,
    ...(priority === undefined ? {} : { priority }),
    ...(route.replyTo === undefined ? {} : { replyTo: route.replyTo }),
    ...(route.expirationMs === undefined ? {} : { expirationMs: route.expirationMs }),
    ...(route.properties === undefined ? {} : { extra: route.properties as JsonObject }),
  };
}

/** `taskPublishRetryPolicy` with what the call says over it; null: once. */
export function retryPolicyOf(route: RouteOptions, settings: Readonly<Settings>): OutgoingRetryPolicy | null {
  if (!(route.retry ?? settings.taskPublishRetry)) return null;
  const { maxRetries = 3, intervalStart = 0, intervalStep = 0.2, intervalMax = 0.2 } = settings.taskPublishRetryPolicy;
  const said: ValueMap = route.retryPolicy ?? {};
  const ms = (name: string, fallback: unknown): number => durationMs(said[name] ?? fallback) ?? 0;
  return {
    maxRetries: said['max_retries'] === undefined ? maxRetries : (said['max_retries'] as number | null),
    intervalStartMs: ms('interval_start', intervalStart),
    intervalStepMs: ms('interval_step', intervalStep),
    intervalMaxMs: ms('interval_max', intervalMax),
  };
}
