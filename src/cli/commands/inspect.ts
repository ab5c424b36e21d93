import { defineCommand } from '../command.ts';
import { remoteOptions, runRemote, type RemoteOptions } from '../remote.ts';

export const inspect = defineCommand<RemoteOptions>({
  name: 'inspect',
  help: 'Ask the workers something, such as ping.',
  examples: ['-A tasks inspect ping', '-A tasks inspect ping -d w1@host -j', 'inspect --list'],
  define: (command) =>
    void remoteOptions(command.argument('[command]', 'What to ask; --list shows all.').argument('[args...]').option('--list', 'List the commands and exit.')),
  run: (call) => runRemote('inspect', call),
});
