import { inspect } from 'node:util';
import { threadId } from 'node:worker_threads';
import { Ignore, Reject, Retry } from '../../../errors.ts';
import type { Run, RunnableTask } from '../../../execution/env.ts';
import type { TaskPolicy } from '../../../execution/policy.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { decodeJson, encoded } from '../../../protocol/json-text.ts';
import type { JsonObject, Value } from '../../../protocol/json.ts';
import type { ResultMeta } from '../../../protocol/result-meta.ts';
import { receiveTask } from '../../../protocol/task-message.ts';
import type { WireMessage } from '../../../protocol/wire-message.ts';
import type { ChildCore } from '../../../pools/child/core.ts';
import type { ChildConfig } from '../../../pools/child/port.ts';

/* Tasks that a pool is tried with. Children load this file in the place of an app. */

type Handler = (run: Run, ...args: never[]) => unknown;

export const policy: TaskPolicy = {
  acksLate: false,
  acksOnFailure: true,
  acksOnTimeout: true,
  rejectOnWorkerLost: false,
  retryOnWorkerLost: false,
  ignoreResult: false,
  storeErrorsEvenIfIgnored: false,
  trackStarted: false,
  sendEvents: true,
  timeLimitMs: null,
  softTimeLimitMs: null,
  ratePerSecond: null,
  maxRetries: 3,
  defaultRetryDelayMs: 180_000,
  autoretry: null,
  resultReprMaxsize: 1024,
  throwsExpected: () => false,
};

/** Where a task runs: a process, or a thread of one. */
export const place = (): string => `${process.pid}/${threadId}`;

/** What stays in a child between a task and what follows its result. */
const memory = new Map<string, string>();
const hoard: number[][] = [];

const meta = (run: Run, status: string, value: Value): ResultMeta => ({
  task_id: run.received.headers.id,
  status,
  result: encoded(value),
  traceback: null,
  children: [],
  date_done: null,
});
const nothing = { chords: [], groups: [], messages: [] };

/** Keeps the loop busy: no timer fires, no message is heard. */
function spin(ms: number): void {
  for (const end = systemClock.monotonic() + ms; systemClock.monotonic() < end;);
}

const handlers: Readonly<Record<string, Handler>> = {
  add: (_run, x: number, y: number) => x + y,
  echo: (_run, value: Value) => value,
  size: (_run, value: string) => value.length,
  place: () => place(),
  header: (run, name: string) => inspect(run.received.headers[name], { depth: null }),
  oddEvent: (run) => {
    run.host.emit('task-odd', { wide: 2n ** 60n } as unknown as JsonObject);
    return 'said';
  },
  fail: (_run, message: string) => {
    throw new RangeError(message);
  },
  retry: () => {
    throw new Retry({ countdown: 10, exc: new RangeError('again') });
  },
  ignore: () => {
    throw new Ignore();
  },
  reject: () => {
    throw new Reject('not here', { requeue: true });
  },
  unsendable: () => ({ list: [1, () => 1] }),
  sleep: (run, ms: number) => systemClock.sleep(ms, run.signal),
  stubborn: (_run, ms: number) => systemClock.sleep(ms),
  spin: (_run, ms: number) => spin(ms),
  exit: (_run, code: number) => process.exit(code),
  die: () => {
    process.kill(process.pid, 'SIGKILL');
    spin(5_000);
  },
  forgetful: () => {
    void Promise.reject(new Error('nobody caught this'));
    return systemClock.sleep(5).then(() => 'still here');
  },
  hoard: (_run, megabytes: number) => {
    for (let n = 0; n < megabytes / 8; n++) hoard.push(Array.from<number>({ length: 1_000_000 }).fill(n + 0.5));
    return hoard.length;
  },
  /** Awaits each of its calls. */
  calls: async (run) => {
    await run.host.saveState(meta(run, 'PROGRESS', { done: 1, at: new Date(0), bytes: new Uint8Array([1, 2]) }));
    await run.host.dispatch({ ...nothing, groups: [{ groupId: 'g', tree: [] }] });
    await run.host.growChord('g', 2);
    run.host.emit('task-noted', { uuid: run.received.headers.id });
    return 'called';
  },
  /** Awaits none of them. */
  flood: (run, count: number) => {
    for (let n = 0; n < count; n++) void run.host.dispatch({ ...nothing, groups: [{ groupId: String(n), tree: [] }] });
    return count;
  },
  refused: async (run) => {
    await run.host.growChord('refused', 1);
  },
  hooked: (run) => {
    memory.set(run.received.headers.id, place());
    return place();
  },
};

async function after(run: Run, state: string): Promise<void> {
  await run.host.saveState(meta(run, 'AFTER', { state, ran: memory.get(run.received.headers.id) ?? null, here: place() }));
}

export function findPoolTask(name: string): RunnableTask | undefined {
  const handler = handlers[name];
  if (handler === undefined) return undefined;
  return {
    name,
    policy,
    listensAfter: name === 'hooked',
    run: (run, body) => handler(run, ...(body.args as never[])),
    after: (run, outcome) => after(run, outcome.state),
  };
}

/** Reads the body of a message made for these tasks. */
export function decodePoolBody({ body }: WireMessage): Value {
  if (body instanceof Uint8Array) return decodeJson(Buffer.from(body).toString());
  return decodeJson('text' in body ? body.text : Buffer.from(body.base64, 'base64').toString());
}

/** A child's core, made of the tasks above. */
export function loadCore({ appModule }: Pick<ChildConfig, 'appModule'>): Promise<ChildCore> {
  if (appModule === 'broken') return Promise.reject(new Error('this app cannot be loaded'));
  return Promise.resolve({
    clock: systemClock,
    findTask: findPoolTask,
    receive: (source) => receiveTask(source, decodePoolBody),
    setHost: () => undefined,
    setLog: () => undefined,
    close: () => Promise.resolve(),
  });
}
