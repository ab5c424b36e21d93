// `npm run differential`: random workflows in four pairs of producer and worker, on Redis and on RabbitMQ, beside Celery itself.
//   DIFFERENTIAL_TREES=2000   how many (2,000)
//   DIFFERENTIAL_SEED=1       from which seed on: the number that a failure names
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { up } from './servers/index.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const servers = await up();
process.on('exit', () => servers.down());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
for (const line of servers.leftOut) process.stdout.write(`left out: ${line}\n`);
const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/differential', ...process.argv.slice(2)];
const env = { DIFFERENTIAL_TREES: '2000', ...process.env, ...servers.env };
process.exitCode = await new Promise((resolve) => {
  spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env }).on('exit', (code) => resolve(code ?? 1));
});
