// Brings up what scripts/servers/table.mjs lists: `up()` gives the environment for tests, what was left out and why, and `down()`.
// By hand: `node scripts/servers/index.mjs` starts them all, prints the variables, and stops them on Ctrl-C.
import { spawn, spawnSync } from 'node:child_process';
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
  const isGiven = ([name, server]) => {
    const variable = Object.keys(server.env({ port: 0, data: '' }))[0];
    if (process.env[variable]) log(`servers: ${name} is given by ${variable}`);
    return Boolean(process.env[variable]);
  };
  const wanted = Object.entries(servers).filter((entry) => !isGiven(entry));
  // Installing is one at a time (apt has a lock), ports are chosen one after another; starting and waiting go side by side.
  const startable = [];
  for (const [name, server] of wanted) {
    try {
      await install(name, server, log);
      startable.push({ name, server, data: join(folder, name), port: await freePorts(server.ports) });
    } catch (error) {
      leftOut.push(`${name}: ${error.message}`);
    }
  }
  const started = startable.map(async ({ name, server, data, port }) => {
    try {
      mkdirSync(data, { recursive: true });
      if (server.tls) await run('tls-ca.sh', [join(data, 'tls')]);
      await run(server.script, ['start', data, String(port)]);
      running.push([server.script, ['stop', data, String(port)]]);
      await run(server.script, ['wait', data, String(port)]);
      Object.assign(env, server.env({ port, data }));
      log(`servers: ${name} on port ${port}`);
    } catch (error) {
      leftOut.push(`${name}: ${error.message}`);
    }
  });
  const environments = Object.entries(pythons).map(async ([name, python]) => {
    if ((python.nightly && !process.env.NIGHTLY) || process.env[python.variable]) return;
    try {
      env[python.variable] = await virtualEnvironment(name, python.packages, log);
    } catch (error) {
      leftOut.push(`${name}: ${error.message}`);
    }
  });
  await Promise.all([...started, ...environments]);
  const down = () => {
    for (const [script, args] of running.splice(0).reverse()) spawnSync('bash', [join(here, script), ...args], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  };
  return { env, leftOut, down };
}

const taken = new Set();

async function install(name, server, log) {
  if (has(server.needs)) return;
  if (!canInstall) throw new Error(`${server.needs} is not installed (on Debian or Ubuntu: apt-get install ${server.apt})`);
  log(`servers: installing ${name}`);
  if (spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' }).status !== 0) log('servers: apt-get update failed; trying with the lists at hand');
  await run(server.script, ['install']);
}

/** A python with these packages; made once for each list of packages. */
async function virtualEnvironment(name, packages, log) {
  const python = join(home, name, 'bin', 'python');
  const stamp = join(home, name, '.complete');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === packages.join(' ')) return python;
  if (!has('python3')) throw new Error('python3 is not installed');
  log(`servers: installing ${packages.slice(0, 2).join(' ')}`);
  mkdirSync(home, { recursive: true });
  await run('python-venv.sh', [join(home, name), ...packages]);
  return python;
}

/** Runs one of the scripts beside this file. Its output is not piped: a server keeps the descriptors of the script that started it. */
function run(script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [join(here, script), ...args], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, SERVERS_HOME: home } });
    child.on('exit', (status) => (status === 0 ? resolve() : reject(new Error(`${script} ${args[0]} failed`))));
  });
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

/** The first of `count` consecutive ports that nobody listens on. */
async function freePorts(count) {
  for (let tries = 0; tries < 200; tries++) {
    const first = 21_000 + Math.floor(Math.random() * 800) * 10;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (!free.every(Boolean) || taken.has(first)) continue;
    taken.add(first);
    return first;
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
