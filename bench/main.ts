// `npm run bench`: celeriac beside BullMQ, Celery and the raw limit, in one run. Each trial is a fresh process; variants are interleaved
// round by round; the table shows medians. `--rounds=5 --only=drain,sqlite --scale=1 --check` (check: fail when a bar is missed).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bars } from './bars.ts';
import { rabbitMq } from './rabbitmq.ts';
import type { Figures } from './trials/measure.ts';
import { argument, number } from './trials/measure.ts';
import { variants, type Variant } from './variants.ts';
// @ts-expect-error a plain script without types
import { up } from '../scripts/servers/index.mjs';

const root = join(import.meta.dirname, '..');
const trials = compileTrials();
const rounds = number('rounds', 5);
const scale = number('scale', 1);
const only = argument('only', '').split(',').filter(Boolean);
const servers = (await up()) as { env: Record<string, string>; leftOut: readonly string[]; down: () => void };
process.on('exit', () => servers.down());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
for (const line of servers.leftOut) process.stdout.write(`left out: ${line}\n`);
const redis = servers.env['CELERIAC_TEST_REDIS'] ?? process.env['CELERIAC_TEST_REDIS'];
const python = servers.env['CELERIAC_TEST_PYTHON'] ?? process.env['CELERIAC_TEST_PYTHON'];

const given = { ...process.env, ...servers.env };
const { CELERIAC_TEST_AMQP: amqp, CELERIAC_TEST_AMQP_MANAGEMENT: management } = given;
const rabbit = amqp === undefined || management === undefined ? undefined : await rabbitMq(amqp, management);

const chosen = variants.filter(
  (variant) =>
    (only.length === 0 || only.some((word) => variant.name.includes(word))) &&
    (variant.on !== 'redis' || redis !== undefined) &&
    (variant.on !== 'rabbitmq' || (rabbit !== undefined && redis !== undefined)) &&
    (variant.command !== 'python' || python !== undefined),
);
const results = new Map<string, Figures[]>(chosen.map(({ name }) => [name, []]));
for (let round = 1; round <= rounds; round++)
  for (const variant of chosen) {
    const figures = await trial(variant);
    results.get(variant.name)!.push(figures);
    process.stderr.write(`round ${round} ${variant.name}: ${Math.round(figures.perSecond)}/s\n`);
  }

const table = chosen.map(({ name }) => ({ name, ...median(results.get(name)!) }));
process.stdout.write(`${render(table)}\n`);
const verdicts = bars.flatMap((bar) => bar(new Map(table.map((row) => [row.name, row]))));
for (const { text, holds } of verdicts) process.stdout.write(`${holds ? 'ok  ' : 'MISS'} ${text}\n`);
mkdirSync(join(root, 'bench', 'results'), { recursive: true });
const file = join(root, 'bench', 'results', `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.json`);
writeFileSync(
  file,
  `${JSON.stringify({ at: new Date().toISOString(), node: process.version, cpus: cpus().length, load: loadavg(), rounds, scale, table, trials: Object.fromEntries(results), verdicts }, null, 1)}\n`,
);
process.stdout.write(`written to ${file.slice(root.length + 1)}\n`);
process.exit(process.argv.includes('--check') && verdicts.some(({ holds }) => !holds) ? 1 : 0);

/** What is measured is what users run: a loader's helpers and memory would count as ours. The folder lies within the package, so that `celeriac` leads to its dist. */
function compileTrials(): string {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript7', 'bin', 'tsc'), '-p', join(root, 'bench')], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the trials do not compile');
  return join(root, '.cache', 'bench');
}

/** One variant in a fresh process, on empty databases. */
async function trial(variant: Variant): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-bench-'));
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...environmentOf(variant, folder),
    ...variant.env,
  };
  if (variant.on === 'rabbitmq') await rabbit!.empty();
  if (variant.on !== 'sqlite') for (const db of ['8', '9']) spawnSync('redis-cli', ['-u', `${redis}/${db}`, 'flushdb']);
  const n = String(Math.max(100, Math.round(variant.n * scale)));
  const args =
    variant.command === 'python'
      ? [join(root, 'bench', 'trials', 'celery_bench.py'), ...variant.args, n]
      : [join(trials, variant.command.replace(/\.ts$/, '.js')), ...variant.args, `--n=${n}`];
  const { status, stdout, stderr } = spawnSync(variant.command === 'python' ? python! : process.execPath, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error(`${variant.name} failed:\n${stdout}${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Figures;
}

function environmentOf({ on, results: store }: Variant, folder: string): Record<string, string> {
  if (on === 'redis') return { BENCH_REDIS: redis!, BENCH_BROKER: `${redis}/8`, BENCH_BACKEND: `${redis}/9` };
  if (on === 'sqlite') return { BENCH_BROKER: `sqlite:///${folder}/bench.db`, BENCH_BACKEND: `sqlite:///${folder}/bench.db` };
  const server = { BENCH_BROKER: rabbit!.broker, BENCH_SERVER_PID: rabbit!.pid };
  if (store === undefined) return { ...server, BENCH_NO_RESULT: '1' };
  return { ...server, BENCH_BACKEND: store === 'rpc' ? 'rpc://' : `${redis}/9` };
}

function median(trials: readonly Figures[]): Figures {
  const middle = (pick: (figures: Figures) => number | null | undefined): number | null => {
    const values = trials.map(pick).filter((value): value is number => typeof value === 'number');
    return values.length === 0 ? null : values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  };
  const p50Ms = middle((f) => f.p50Ms);
  const p99Ms = middle((f) => f.p99Ms);
  return {
    n: trials[0]!.n,
    seconds: middle((f) => f.seconds)!,
    perSecond: middle((f) => f.perSecond)!,
    clientUs: middle((f) => f.clientUs)!,
    serverUs: middle((f) => f.serverUs),
    rssMb: middle((f) => f.rssMb)!,
    ...(p50Ms !== null && { p50Ms }),
    ...(p99Ms !== null && { p99Ms }),
  };
}

function render(rows: readonly ({ readonly name: string } & Figures)[]): string {
  const cell = (value: number | null | undefined, digits = 0): string => (typeof value === 'number' ? value.toFixed(digits) : '-');
  const lines = rows.map(
    (row) =>
      `| ${row.name} | ${cell(row.perSecond)} | ${cell(row.clientUs, 1)} | ${cell(row.serverUs, 1)} | ${cell(row.p50Ms, 2)} | ${cell(row.p99Ms, 2)} | ${cell(row.rssMb)} |`,
  );
  return ['| what | per second | client CPU µs | server CPU µs | p50 ms | p99 ms | RSS MB |', '|---|---|---|---|---|---|---|', ...lines].join('\n');
}
