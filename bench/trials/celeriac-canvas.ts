// Workflows of one shape, one after another, from delay() to get(); the worker is a process of its own. `--shape=chord|chain|dag`, n counts tasks.
import { spawn } from 'node:child_process';
import { chord, group, type AsyncResult } from 'celeriac';
import { answer, argument, measure, number, WARM_UP } from './measure.ts';
import { add, sum } from './tasks.ts';

/** How many tasks a workflow has, what it gives, and its sending. */
const shapes: Readonly<Record<string, readonly [tasks: number, result: number, send: () => Promise<AsyncResult<unknown>>]>> = {
  chord: [
    1001,
    2000,
    () =>
      chord(
        Array.from({ length: 1000 }, () => add.s(1, 1)),
        sum.s(),
      ).delay(),
  ],
  chain: [
    100,
    100,
    () =>
      Array.from({ length: 99 }, () => add.s(1))
        .reduce((steps, next) => steps.pipe(next), add.s(1, 0))
        .delay(),
  ],
  // Ten layers of ten, each with a step that all of it leads to.
  dag: [
    110,
    20,
    () =>
      Array.from({ length: 9 })
        .reduce<Piped>((so) => so.pipe(layer(false)).pipe(sum.s()), layer(true).pipe(sum.s()))
        .delay(),
  ],
};
/** Steps are put together in loops, where their types cannot follow. */
interface Piped {
  pipe(next: unknown): Piped;
  delay(): Promise<AsyncResult<unknown>>;
}
const layer = (isFirst: boolean): Piped => group(Array.from({ length: 10 }, () => (isFirst ? add.s(1, 1) : add.si(1, 1)))) as unknown as Piped;

const [size, result, send] = shapes[argument('shape', 'chord')]!;
const count = Math.max(1, Math.round(number('n', 1000) / size));
const worker = spawn(
  process.execPath,
  [new URL('../../dist/cli/main.js', import.meta.url).pathname, '-A', new URL('tasks.js', import.meta.url).pathname, 'worker', '-l', 'error'],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
process.on('exit', () => worker.kill('SIGKILL'));
const once = async (): Promise<void> => {
  const value = await (await send()).get({ timeout: 60 });
  if (value !== result) throw new Error(`wrong result: ${String(value)}`);
};
// The first waits for the worker to be there.
for (let tasks = 0; tasks < WARM_UP; tasks += size) await once();
answer(
  await measure(count * size, process.env['BENCH_REDIS'] ?? null, async () => {
    for (let i = 0; i < count; i += 1) await once();
  }),
);
