import type { Duration } from '../../kernel/duration.ts';
import type { IsoString } from '../../errors.ts';
import { defineCommand } from '../command.ts';
import { jsonArray, jsonObject, moment, momentOrSeconds, seconds } from '../values.ts';

interface CallOptions {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly eta?: IsoString;
  readonly countdown?: Duration;
  readonly expires?: IsoString | Duration;
  readonly serializer?: string;
  readonly queue?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
}

export const call = defineCommand<CallOptions>({
  name: 'call',
  help: 'Send a task by name, and print the id of its result.',
  examples: ["-A tasks call tasks.add --args '[2, 2]'", '-b redis://localhost call images.resize -k \'{"width": 100}\' --countdown 10'],
  define: (command) =>
    void command
      .argument('<name>', 'Name of the task. Its code need not be here.')
      .option('-a, --args <json>', 'Positional arguments: a JSON array.', jsonArray)
      .option('-k, --kwargs <json>', 'Keyword arguments: a JSON object.', jsonObject)
      .option('--eta <time>', 'Not before this time, in ISO-8601.', moment)
      .option('--countdown <seconds>', 'Not before so many seconds from now.', seconds)
      .option('--expires <time>', 'Not after this time, or after so many seconds.', momentOrSeconds)
      .option('--serializer <name>', 'How the message is written.')
      .option('--queue <name>', 'Queue to send to.')
      .option('--exchange <name>', 'Exchange to send to.')
      .option('--routing-key <key>', 'Routing key to send with.'),
  async run({ args: [name], options, context }) {
    const app = await context.app();
    const { args = [], ...how } = options;
    const sent = await app.sendTask(name!, args as never, how);
    context.print(sent.id);
    await app.close();
  },
});
