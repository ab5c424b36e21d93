import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { Celery } from '../app/celery.ts';
import type { AnyTask, RemoteTask } from '../app/task-types.ts';
import type { List } from '../canvas/sendable.ts';
import { pythonRepr } from '../kernel/repr.ts';
import { TestApp, type EnqueuedCall } from './test-app.ts';

export interface EnqueuedMatch<A extends List = List> {
  readonly args?: NoInfer<A>;
  /** These keyword arguments at least. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly queue?: string;
  /** How many such calls, exactly. Default: at least one. */
  readonly times?: number;
}

/** Throws an AssertionError that lists what did leave, unless such a call has left the test app. */
export function expectEnqueued<A extends List>(app: Celery, task: RemoteTask<A, unknown>, match: EnqueuedMatch<A> = {}): void {
  const calls = testApp(app).enqueued(task);
  const { times, ...wanted } = match;
  const found = calls.filter((call) => fits(call as unknown as EnqueuedCall, wanted as EnqueuedMatch)).length;
  if (times === undefined ? found > 0 : found === times) return;
  const what = `${task.name}${Object.keys(wanted).length === 0 ? '' : ` with ${JSON.stringify(wanted)}`}`;
  const expected = times === undefined ? `a call of ${what}` : `${times} ${times === 1 ? 'call' : 'calls'} of ${what}`;
  throw new AssertionError({
    message: `expected ${expected}, but ${listed(found, calls as unknown as readonly EnqueuedCall[])}`,
    stackStartFn: expectEnqueued,
  });
}

/** Throws an AssertionError that lists them, if calls of the task have left the test app. */
export function expectNotEnqueued(app: Celery, task: AnyTask): void {
  const calls = testApp(app).enqueued(task as unknown as RemoteTask<List, unknown>);
  if (calls.length === 0) return;
  throw new AssertionError({ message: `expected no call of ${task.name}, but ${listed(calls.length, calls)}`, stackStartFn: expectNotEnqueued });
}

function fits(call: EnqueuedCall, { args, kwargs, queue }: EnqueuedMatch): boolean {
  return (
    (args === undefined || isDeepStrictEqual([...call.args], [...args])) &&
    (queue === undefined || call.queue === queue) &&
    Object.entries(kwargs ?? {}).every(([name, value]) => isDeepStrictEqual(call.kwargs[name], value))
  );
}

function listed(found: number, calls: readonly EnqueuedCall[]): string {
  if (calls.length === 0) return 'none was sent';
  const lines = calls.slice(0, 20).map((call) => `  ${call.name}${pythonRepr(call.args)} ${JSON.stringify(call.kwargs)} to ${call.queue}`);
  return `there were ${found}. Sent of this task: ${calls.length}\n${lines.join('\n')}`;
}

function testApp(app: Celery): TestApp {
  if (app instanceof TestApp) return app;
  throw new TypeError('a test app was expected, made by createTestApp()');
}
