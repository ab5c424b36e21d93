// Makes a checkout ready: installs when the lock file changed since last time, builds when the sources did. Needs only Node and npm.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamps = join(root, 'node_modules', '.cache', 'celeriac');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`celeriac needs Node 20.19 or later; this is ${process.versions.node}`);

// Not `npm ci`: it refuses a lock file in which tools' binaries for other platforms are missing (docs/decisions/0003-npm-install.md).
step('install', ['package.json', 'package-lock.json'], 'node_modules/.package-lock.json', 'npm', [
  'install',
  '--no-save',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]);
step('build', ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs', ...filesBelow('src')], 'dist/index.js', process.execPath, [
  'scripts/build.mjs',
]);

/** Runs a command unless its inputs are those of its last success and what that made is there, untouched: an older one may have been put back in its place. */
function step(name, inputs, product, command, args) {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  for (const file of inputs) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  const digest = hash.digest('hex');
  const stamp = join(stamps, name);
  const made = join(root, product);
  const sign = () => `${digest} ${statSync(made).mtimeMs}`;
  if (existsSync(made) && existsSync(stamp) && readFileSync(stamp, 'utf8') === sign()) return;
  process.stderr.write(`${name}: ${command === process.execPath ? 'node' : command} ${args.join(' ')}\n`);
  const started = performance.now();
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (status !== 0) fail(`${name} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.stderr.write(`${name}: done in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, sign());
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
