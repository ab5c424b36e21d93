import type { AppCore } from '../app/core.ts';
import { declare } from '../messaging/consumer.ts';

/** Deletes the messages that wait in these queues, and tells how many; a queue that is not there is made first, as by whoever consumes from it. */
export async function purgeQueues(core: AppCore, names: readonly string[], options: { readonly role: string; readonly maxRetries: number }): Promise<number> {
  using _hold = core.hold();
  const link = await core.openLink(options.role, { maxRetries: options.maxRetries });
  try {
    const channel = await (await link.connection()).openChannel();
    let count = 0;
    for (const name of names) {
      await declare(channel, core.queues.declaration(name));
      count += await channel.purge(name);
    }
    return count;
  } finally {
    await link.close();
  }
}
