import { coreOf, type AppCore } from '../../app/core.ts';
import { declare } from '../../messaging/consumer.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import { maskUrl } from '../../kernel/broker-url.ts';
import { defineCommand, exitCodes, type Call } from '../command.ts';
import { managementOf } from '../management.ts';
import { commaList } from '../values.ts';

interface ListOptions {
  readonly queues?: readonly string[];
  readonly brokerApi?: string;
  readonly json?: boolean;
}
/** One line of a table, by column. */
type Row = Readonly<Record<string, string | number>>;

export const list = defineCommand<ListOptions>({
  name: 'list',
  help: 'Show what the broker has: queues and how full they are, or bindings (RabbitMQ).',
  examples: ['-A tasks list queues', '-A tasks list queues -Q celery,mail -j', '-A tasks list bindings --broker-api http://user:password@localhost:15672'],
  define: (command) =>
    void command
      .argument('<what>', 'queues or bindings.')
      .option('-Q, --queues <names>', 'These queues only, with commas between them.', commaList)
      .option(
        '--broker-api <url>',
        "RabbitMQ's management API; else as manager_hostname, manager_port, manager_userid and manager_password in brokerTransportOptions say.",
      )
      .option('-j, --json', 'Print it as JSON.'),
  async run(call) {
    const [what] = call.args;
    if (what !== 'queues' && what !== 'bindings') throw new ImproperlyConfigured(`list what? One of: queues, bindings. Not "${what}".`);
    const app = await call.context.app();
    try {
      const core = coreOf(app);
      const columns = what === 'bindings' ? ['Queue', 'Exchange', 'Routing Key'] : undefined;
      const rows = what === 'bindings' ? await bindings(core, call.options) : await queues(core, call);
      call.context.print(call.options.json === true ? JSON.stringify(rows) : tableOf(rows, columns));
      return exitCodes.ok;
    } finally {
      await app.close();
    }
  },
});

/** Celery's table. The queues of the app are declared first, as it does, so that a new project sees its own. */
async function bindings(core: AppCore, { brokerApi, queues: only }: ListOptions): Promise<readonly Row[]> {
  const management = managementOf(core, brokerApi);
  if (management === undefined) {
    throw new ImproperlyConfigured(
      `bindings can be listed on RabbitMQ only, by its management API, and the broker is ${maskUrl(core.brokerUrls[0]!)}. For any broker: list queues`,
    );
  }
  await withChannel(core, async (channel) => {
    for (const name of core.queues.consumeFrom) await declare(channel, core.queues.declaration(name));
  });
  return (await management.api.bindings(management.virtualHost))
    .filter(({ destination }) => only === undefined || only.includes(destination))
    .map(({ destination, source, routingKey }) => ({ queue: destination, exchange: source, routing_key: routingKey }));
}

/** All of the virtual host where the management API is configured; else those of the app, one by one, which are looked at and not made. */
async function queues(core: AppCore, { context, options }: Call<ListOptions>): Promise<readonly Row[]> {
  const management = managementOf(core, options.brokerApi);
  if (management?.isConfigured === true) {
    const all = await management.api.queues(management.virtualHost);
    sayMissing(options.queues, new Set(all.map(({ name }) => name)));
    return all
      .filter(({ name }) => options.queues === undefined || options.queues.includes(name))
      .map(({ name, messages, ready, unacknowledged, consumers }) => ({ queue: name, messages, ready, unacknowledged, consumers }));
  }
  const rows: Row[] = [];
  await withChannel(core, async (channel) => {
    for (const name of options.queues ?? core.queues.consumeFrom) {
      const info = await channel.queueInfo(name);
      if (info !== undefined) rows.push({ queue: name, messages: info.messages, consumers: info.consumers });
    }
  });
  sayMissing(options.queues ?? core.queues.consumeFrom, new Set(rows.map(({ queue }) => String(queue))));
  return rows;

  function sayMissing(names: readonly string[] | undefined, found: ReadonlySet<string>): void {
    const missing = (names ?? []).filter((name) => !found.has(name));
    if (missing.length === 0) return;
    // Elsewhere than on RabbitMQ an empty queue leaves no trace, whoever consumes from it.
    const [words, because] =
      management === undefined ? ['Empty', ' (this broker knows a queue only while messages wait in it)'] : ['Not on the broker (yet)', ''];
    context.terminal.err(`${words}: ${missing.join(', ')}${because}\n`);
  }
}

async function withChannel(core: AppCore, use: (channel: Parameters<typeof declare>[0]) => Promise<void>): Promise<void> {
  using _hold = core.hold();
  const link = await core.openLink('list', { maxRetries: 0 });
  try {
    await use(await (await link.connection()).openChannel());
  } finally {
    await link.close();
  }
}

/** Columns as wide as they need to be; numbers stand to the right. */
function tableOf(rows: readonly Row[], titles: readonly string[] | undefined): string {
  const keys = Object.keys(rows[0] ?? { queue: '', messages: '', consumers: '' });
  const heads = titles ?? keys;
  const lines = [heads, heads.map((head) => '-'.repeat(head.length)), ...rows.map((row) => keys.map((key) => row[key]!))];
  const widths = heads.map((_, i) => Math.max(...lines.map((line) => String(line[i]).length)));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (typeof rows[0]?.[keys[i]!] === 'number' ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
