import { coreOf } from '../../app/core.ts';
import { purgeQueues } from '../../control/purge.ts';
import { defineCommand, exitCodes } from '../command.ts';
import { commaList } from '../values.ts';

interface PurgeOptions {
  readonly force?: boolean;
  readonly queues?: readonly string[];
  readonly excludeQueues?: readonly string[];
}

export const purge = defineCommand<PurgeOptions>({
  name: 'purge',
  help: 'Delete all messages that wait in the queues. This cannot be undone.',
  examples: ['-A tasks purge', '-A tasks purge -f -Q mail,media'],
  define: (command) =>
    void command
      .option('-f, --force', 'Do not ask.')
      .option('-Q, --queues <names>', 'These queues only, with commas between them.', commaList)
      .option('-X, --exclude-queues <names>', 'All but these.', commaList),
  async run({ options, context }) {
    const app = await context.app();
    const core = coreOf(app);
    const excluded = new Set(options.excludeQueues ?? []);
    const names = (options.queues ?? core.queues.consumeFrom).filter((name) => !excluded.has(name));
    const queues = `${names.length} ${names.length === 1 ? 'queue' : 'queues'}`;
    if (options.force !== true && !(await isSure(`This deletes every message waiting in ${names.join(', ')}. Go on? [y/N] `, context.terminal.ask))) {
      context.terminal.err('Nothing was deleted. Without a terminal to ask at, use --force.\n');
      return exitCodes.failure;
    }
    try {
      const count = await purgeQueues(core, names, { role: 'purge', maxRetries: 0 });
      context.print(count === 0 ? `No messages purged from ${queues}.` : `Purged ${count} ${count === 1 ? 'message' : 'messages'} from ${queues}.`);
      return exitCodes.ok;
    } finally {
      await app.close();
    }
  },
});

async function isSure(question: string, ask: (question: string) => Promise<string | undefined>): Promise<boolean> {
  return /^y(es)?$/i.test((await ask(question)) ?? '');
}
