// A TypeScript producer of trees: one JSON command a line in, one JSON answer a line out. The twin of python/diff_driver.py.
import { createInterface } from 'node:readline';
import { chain, chord, group, resultFromJSON, TaskFailure, TimeoutError, type AsyncResult, type GroupResult } from 'celeriac';
import { app, one, sending, two } from './tasks.ts';
import type { Call, Tree } from './trees.ts';

type Fields = Record<string, any>;
interface Planned {
  readonly tree: Tree;
  readonly run: string;
  readonly ids: Readonly<Record<string, string>>;
}

function build(tree: Tree, plan: Planned): any {
  const of = (trees: readonly Tree[]): any[] => trees.map((each) => build(each, plan));
  switch (tree.kind) {
    case 'call': {
      const { tag, task, args, times, immutable = false } = tree;
      const kwargs = { tag, run: plan.run, ...(times !== undefined && { times }) };
      const made: any = app.signature(`diff.${task}`, { args: args as any[], kwargs, options: { taskId: plan.ids[tag]! }, immutable });
      return linked(made, tree, plan);
    }
    case 'chain': {
      const steps = of(tree.steps);
      return linked(tree.by === 'pipe' ? steps.reduce((left, right) => left.pipe(right)) : chain(...(steps as [any, any])), tree, plan);
    }
    case 'group':
      return group(of(tree.members));
    case 'chord': {
      const [header, body] = [of(tree.header), build(tree.body, plan)];
      return linked(tree.by === 'pipe' ? group(header).pipe(body) : chord(header, body), tree, plan);
    }
    case 'map':
      return one.map(tree.rows as number[]).set({ taskId: plan.ids[tree.tag]! });
    case 'starmap':
      return two.starmap(tree.rows as [number, number][]).set({ taskId: plan.ids[tree.tag]! });
    case 'chunks':
      return two.chunks(tree.rows as [number, number][], tree.size);
  }
}

function linked(signature: any, { link = [], errbacks = [] }: Pick<Call, 'link' | 'errbacks'>, plan: Planned): any {
  const withLinks = link.reduce((so, each) => so.link(build(each, plan)), signature);
  return errbacks.reduce((so, each) => so.linkError(build(each, plan)), withLinks);
}

async function send(command: Fields): Promise<unknown[]> {
  sending.queue = command['queue'];
  const tuples: unknown[] = [];
  for (const plan of command['plans'] as Planned[]) {
    try {
      const result: AsyncResult<unknown> = await build(plan.tree, plan).applyAsync();
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
