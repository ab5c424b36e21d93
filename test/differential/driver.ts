// A TypeScript producer of trees: one JSON command a line in, one JSON answer a line out. The twin of python/diff_driver.py.
import { createInterface } from 'node:readline';
import { chain, chord, group, resultFromJSON, TaskFailure, TimeoutError, type AsyncResult, type GroupResult } from 'celeriac';
import { app, one, sending, two } from './tasks.ts';
import { build } from './build.ts';
import type { Tree } from './trees.ts';

type Fields = Record<string, any>;
const words = { app, one, two, chain, chord, group };
interface Planned {
  readonly tree: Tree;
  readonly run: string;
  readonly ids: Readonly<Record<string, string>>;
}

async function send(command: Fields): Promise<unknown[]> {
  sending.queue = command['queue'];
  const tuples: unknown[] = [];
  for (const plan of command['plans'] as Planned[]) {
    try {
      const result: AsyncResult<unknown> = await build(plan.tree, words, plan).applyAsync();
      tuples.push({ tuple: result.toJSON() });
    } catch (error) {
      tuples.push({ refused: (error as Error).name, why: String(error) });
    }
  }
  return tuples;
}

async function views(command: Fields): Promise<unknown[]> {
  return Promise.all((command['tuples'] as any[]).map(async (tuple) => (tuple === null ? null : view(() => resultFromJSON(tuple, app)))));
}

/** What a caller sees of a handle, of a new one each time. */
async function view(handle: () => AsyncResult<unknown>): Promise<Fields> {
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

const commands: Record<string, (command: Fields) => Promise<unknown>> = { send, views };
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Fields;
  let answer: unknown;
  try {
    answer = { ok: (await commands[command['do']]!(command)) ?? null };
  } catch (error) {
    answer = { error: (error as Error).stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await app.close();
