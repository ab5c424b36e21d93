import { defineCommand, exitCodes } from '../command.ts';
import { nodesOnline, repliesText } from '../output.ts';
import { askWorkers, nobody, remoteOptions, type RemoteOptions } from '../remote.ts';

export const status = defineCommand<RemoteOptions>({
  name: 'status',
  help: 'List the workers that are online.',
  examples: ['-A tasks status', '-b redis://localhost status -t 5 -j'],
  define: (command) => void remoteOptions(command),
  async run(call) {
    const replies = await askWorkers(call, 'ping');
    const count = Object.keys(replies).length;
    if (count === 0) return nobody(call);
    call.context.print(call.options.json === true ? JSON.stringify(replies) : `${repliesText(replies, { brief: true })}\n${nodesOnline(count)}`);
    return exitCodes.ok;
  },
});
