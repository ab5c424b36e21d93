// Brings up what scripts/servers/table.mjs lists: `up()` gives the environment for tests, what was left out and why, and `down()`.
// By hand: `node scripts/servers/index.mjs` starts them all, prints the variables, and stops them on Ctrl-C.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythons, servers } from './table.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.SERVERS_HOME ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'celeriac-servers');
const canInstall = process.platform === 'linux' && process.getuid?.() === 0 && has('apt-get');

/** Starts every server that can be had. A variable that is set already means: use that one. */
export async function up({ log = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const env = {};
  const leftOut = [];
  const running = [];
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-servers-'));
  for (const [name, server] of Object.entries(servers)) {
    const given = Object.keys(server.env({ port: 0, data: '' }))[0];
    if (process.env[given]) {
      log(`servers: ${name} is given by ${given}`);
      continue;
    }
    try {
      install(name, server, log);
      const data = join(folder, name);
      mkdirSync(data, { recursive: true });
      const port = await freePorts(server.ports);
      if (server.tls) run('tls-ca.sh', [join(data, 'tls')]);
      run(server.script, ['start', data, String(port)]);
      running.push(() => run(server.script, ['stop', data, String(port)]));
      run(server.script, ['wait', data, String(port)]);
      Object.assign(env, server.env({ port, data }));
      log(`servers: ${name} on port ${port}`);
    } catch (error) {
      leftOut.push(`${name}: ${error.message}`);
    }
  }
  for (const [name, python] of Object.entries(pythons)) {
    if (python.nightly && !process.env.NIGHTLY) continue;
    if (process.env[python.variable]) continue;
    try {
      env[python.variable] = virtualEnvironment(name, python.packages, log);
    } catch (error) {
      leftOut.push(`${name}: ${error.message}`);
    }
  }
  const down = () => {
    for (const stop of running.splice(0).reverse()) stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { env, leftOut, down };
}

function install(name, server, log) {
  if (has(server.needs)) return;
  if (!canInstall) throw new Error(`${server.needs} is not installed (on Debian or Ubuntu: apt-get install ${server.apt})`);
  log(`servers: installing ${name}`);
  const packages = spawnSync('apt-get', ['update', '-qq'], { encoding: 'utf8' });
  if (packages.status !== 0) log(`servers: apt-get update failed: ${lastLine(packages.stderr)}`);
  run(server.script, ['install']);
}

/** A python with these packages; made once for each list of packages. */
function virtualEnvironment(name, packages, log) {
  const python = join(home, name, 'bin', 'python');
  const stamp = join(home, name, '.complete');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === packages.join(' ')) return python;
  if (!has('python3')) throw new Error('python3 is not installed');
  log(`servers: installing ${packages.slice(0, 2).join(' ')}`);
  mkdirSync(home, { recursive: true });
  const script =
    'set -e; [ -x "$1/bin/pip" ] || python3 -m venv "$1"; dir=$1; shift; "$dir/bin/pip" install -q --disable-pip-version-check "$@"; printf %s "$*" >"$dir/.complete"';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'venv', join(home, name), ...packages], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python -m venv and pip install failed: ${lastLine(stderr)}`);
  return python;
}

function run(script, args) {
  // Output is not piped: a server keeps the descriptors of the script that started it.
  const { status } = spawnSync('bash', [join(here, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, SERVERS_HOME: home } });
  if (status !== 0) throw new Error(`${script} ${args[0]} failed`);
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

const lastLine = (text) => text.trim().split('\n').at(-1);

/** The first of `count` consecutive ports that nobody listens on. */
async function freePorts(count) {
  for (let tries = 0; tries < 200; tries++) {
    const first = 21_000 + Math.floor(Math.random() * 800) * 10;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports between 21000 and 29000');
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { env, leftOut, down } = await up();
  for (const line of leftOut) process.stderr.write(`left out: ${line}\n`);
  for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}='${value}'\n`);
  const end = () => {
    down();
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  setInterval(() => {}, 1 << 30);
}
