import { defineCommand } from '../command.ts';
import { remoteOptions, runRemote, type RemoteOptions } from '../remote.ts';

export const control = defineCommand<RemoteOptions>({
  name: 'control',
  help: 'Tell the workers to do something, such as revoke.',
  examples: [
    '-A tasks control revoke 4e196aa4-0141-4601-8138-7aa33db0f577',
    '-A tasks control revoke ID terminate=true',
    '-A tasks control shutdown -d w1@host',
    'control --list',
  ],
  define: (command) =>
    void remoteOptions(command.argument('[command]', 'What to do; --list shows all.').argument('[args...]').option('--list', 'List the commands and exit.')),
  run: (call) => runRemote('control', call),
});
