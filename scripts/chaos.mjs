// `npm run chaos`: the crash tests in full. Counts can be given: CHAOS_KILLS, CHAOS_RESTARTS, CHAOS_FREEZES, CHAOS_AMQP_KILLS, CHAOS_AMQP_RESTARTS.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const counts = { CHAOS_KILLS: '200', CHAOS_RESTARTS: '20', CHAOS_FREEZES: '20', CHAOS_WORKFLOWS: '500', CHAOS_AMQP_KILLS: '200', CHAOS_AMQP_RESTARTS: '20' };
const { status } = spawnSync(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/chaos', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...counts, ...process.env },
});
process.exit(status ?? 1);
