// A long proof: tests of one folder with the servers they need, counts set by the environment.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { up } from './servers/index.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `folder`'s tests with what the servers found here are called, and `counts` where the environment names none; the exit code is theirs. */
export async function prove(folder, counts) {
  const servers = await up();
  process.on('exit', () => servers.down());
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  for (const line of servers.leftOut) process.stdout.write(`left out: ${line}\n`);
  const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', folder, ...process.argv.slice(2)];
  process.exitCode = await new Promise((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...counts, ...process.env, ...servers.env } }).on('exit', (code) => resolve(code ?? 1));
  });
}
