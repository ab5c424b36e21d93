import type { Settings } from '../config/settings/index.ts';
import { durationMs } from '../kernel/duration.ts';
import type { MailboxNames } from '../messaging/mailbox.ts';

/** What the settings say of pidbox: both ends must agree. */
export function mailboxNames(settings: Readonly<Settings>): MailboxNames {
  return {
    exchange: settings.controlExchange,
    queueExpiresMs: durationMs(settings.controlQueueExpires) ?? 10_000,
    queueTtlMs: durationMs(settings.controlQueueTtl) ?? 300_000,
    durable: settings.controlQueueDurable,
    exclusive: settings.controlQueueExclusive && !settings.controlQueueDurable,
  };
}
