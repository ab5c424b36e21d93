// A TypeScript producer of trees: one JSON command a line in, one JSON answer a line out. The twin of python/diff_driver.py.
import { createInterface } from 'node:readline';
import { chain, chord, group, resultFromJSON, TaskFailure, TimeoutError, type AsyncResult, type GroupResult } from 'celeriac';
import { app, one, sending, two } from './tasks.ts';
import { build, type Words } from './build.ts';
import type { Tag, Tree } from './trees.ts';

type ResultTuple = ReturnType<AsyncResult<unknown>['toJSON']>;
interface Planned {
  readonly tree: Tree;
  readonly run: string;
  readonly ids: Readonly<Record<Tag, string>>;
}
type Command =
  | { readonly do: 'send'; readonly queue: string; readonly plans: readonly Planned[] }
  | { readonly do: 'views'; readonly tuples: readonly (ResultTuple | null)[] };

const words: Words = { app, one, two, chain, chord, group };

async function send(queue: string, plans: readonly Planned[]): Promise<unknown[]> {
  sending.queue = queue;
  const answers: unknown[] = [];
  for (const plan of plans) {
    try {
      const result = await build(plan.tree, words, plan).applyAsync();
      answers.push({ tuple: result.toJSON() });
    } catch (error) {
      answers.push({ refused: (error as Error).name, why: String(error) });
    }
  }
  return answers;
}

const carryOut = (command: Command): Promise<unknown[]> =>
  command.do === 'send'
    ? send(command.queue, command.plans)
    : Promise.all(command.tuples.map(async (tuple) => (tuple === null ? null : view(() => resultFromJSON(tuple, app)))));

/** What a caller sees of a handle, of a new one each time. */
async function view(handle: () => AsyncResult<unknown>): Promise<object> {
  const outcome = async (propagate: boolean): Promise<unknown> => {
    try {
      return plain(await handle().get({ timeout: 0, propagate: propagate as false }));
    } catch (error) {
      return error instanceof TimeoutError ? 'pending' : ['raised', plain(error)];
    }
  };
  const result = handle() as GroupResult<unknown[]>;
  return {
    value: await outcome(false),
    raised: await outcome(true),
    flags: [await result.ready(), await result.successful(), await result.failed()],
    ...(result.results !== undefined && { completed: await result.completedCount() }),
  };
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof TaskFailure) return { error: value.type, args: value.args.map(String) };
  return value instanceof Error ? { error: value.constructor.name, args: [value.message] } : value;
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  let answer: unknown;
  try {
    answer = { ok: await carryOut(command) };
  } catch (error) {
    answer = { error: (error as Error).stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await app.close();
