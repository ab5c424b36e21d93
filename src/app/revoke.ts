import { commandExchange } from '../messaging/mailbox.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { RevokeOptions } from '../results/result.ts';
import type { Core } from './app-core.ts';
import { broadcast, commandMessage, type Command } from './broadcast.ts';
import { retryPolicyOf } from './encode.ts';
import { mailboxNames } from './mailbox-names.ts';

/** Tells all workers that tasks are not to run, by id or by stamp: `result.revoke()`. With `wait` it resolves when those that live have heard it; else it goes with the app's own messages. */
export async function revoke(
  core: Core,
  { method, of }: { readonly method: string; readonly of: JsonObject },
  { terminate = false, signal = 'SIGTERM', wait = false, timeout }: RevokeOptions,
): Promise<void> {
  await core.ready();
  const command: Command = { method, args: { ...of, terminate, signal }, reply: wait };
  if (wait) {
    await broadcast(core, command, { timeout });
    return;
  }
  const exchange = commandExchange(mailboxNames(core.settings));
  const message = await commandMessage(core, command);
  const declare = { exchange, bindings: [] };
  await core.publish([{ message, exchange: exchange.name, routingKey: '', options: {}, declare, retryPolicy: retryPolicyOf({}, core.settings) }]);
}
