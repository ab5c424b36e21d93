import { ImproperlyConfigured } from '../errors.ts';
import type { RevokeOptions } from '../results/result.ts';
import { commandExchange } from '../messaging/mailbox.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Core } from './app-core.ts';
import { retryPolicyOf } from './encode.ts';

/** Tells all workers that these tasks are not to run: `result.revoke()`. Remote control lives upstairs; of it a result needs this one message, and no answer. */
export async function revoke(core: Core, ids: readonly string[], { terminate = false, signal = 'SIGTERM', wait = false }: RevokeOptions): Promise<void> {
  if (wait) throw new ImproperlyConfigured("waiting for the workers' answers is control(app).revoke(id, { wait: true }), from 'celeriac/control'");
  await core.ready();
  const { settings, lamport } = core;
  const exchange = commandExchange({
    exchange: settings.controlExchange,
    queueExpiresMs: durationMs(settings.controlQueueExpires) ?? 0,
    queueTtlMs: durationMs(settings.controlQueueTtl) ?? 0,
    durable: settings.controlQueueDurable,
    exclusive: settings.controlQueueExclusive,
  });
  const request = { method: 'revoke', arguments: { task_id: ids, terminate, signal }, destination: null, pattern: null, matcher: null };
  const { body, contentType, contentEncoding } = await core.serializers.encode(request, { serializer: settings.taskSerializer });
  const headers = { clock: lamport.forward(), expires: 0 };
  const message = { body, contentType, contentEncoding, headers, properties: { priority: 0, persistent: true } };
  await core.publish([
    { message, exchange: exchange.name, routingKey: '', options: {}, declare: { exchange, bindings: [] }, retryPolicy: retryPolicyOf({}, settings) },
  ]);
}
