import assert from 'node:assert/strict';
import type { AppCore } from '../../../app/core.ts';
import type { TaskHost } from '../../../execution/host.ts';
import type { Outcome } from '../../../execution/outcome.ts';
import { systemClock } from '../../../kernel/clock.ts';
import { deferred } from '../../../kernel/deferred.ts';
import { newId } from '../../../kernel/ids.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { createPool, type PoolOptions } from '../../../pools/index.ts';
import type { Job, Pool, PoolName } from '../../../pools/pool.ts';
import type { JsonObject, Value } from '../../../protocol/json.ts';
import { encodeTaskBody, fillHeaders, receiveTask, type ReceivedTask } from '../../../protocol/task-message.ts';
import type { Harness } from '../suite.ts';
import { decodePoolBody, findPoolTask } from './tasks.ts';

/** Makes pools of one kind, each with a host that notes what it hears. */
export interface PoolHarness extends Harness {
  readonly kind: PoolName;
  /** Tasks can be ended by force. */
  readonly isIsolated: boolean;
  open(options?: Partial<PoolOptions>): Promise<Opened>;
}

export interface Opened {
  readonly pool: Pool;
  /** Calls of tasks, states of jobs, in the order in which they came. */
  readonly heard: string[];
  readonly log: string[];
  /** Gives the pool a job, if it has room; else waits for it. */
  give(task: string, args?: readonly Value[], more?: More): Promise<Given>;
  run(task: string, args?: readonly Value[], more?: More): Promise<Outcome>;
}

/** What a job may have beside its arguments. */
export interface More extends Partial<Pick<Job, 'softTimeLimitMs' | 'timeLimitMs'>> {
  readonly headers?: JsonObject;
}

export interface Given {
  readonly id: string;
  readonly job: Job;
  readonly started: Promise<{ readonly pid: number; readonly atMs: number }>;
  /** The outcome, or 'returned'. */
  readonly ended: Promise<Outcome | 'returned'>;
}

export function poolHarness(kind: PoolName): Promise<PoolHarness> {
  const opened: Pool[] = [];
  return Promise.resolve({
    kind,
    isIsolated: kind === 'prefork' || kind === 'threads',
    elapse: (ms) => systemClock.sleep(ms),
    async open(options = {}) {
      const heard: string[] = [];
      const log: string[] = [];
      const core = coreOf(heard, log);
      const bootstrap = new URL(`./tasks${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href;
      const pool = await createPool(kind, { core, hostname: 'w1@test', concurrency: 2, appModule: 'tasks', bootstrap, ...options });
      opened.push(pool);
      await pool.start();
      return openedPool(pool, heard, log);
    },
    async close() {
      for (const pool of opened) await pool.stop(AbortSignal.abort());
    },
  });
}

function openedPool(pool: Pool, heard: string[], log: string[]): Opened {
  const give: Opened['give'] = async (task, args = [], more = {}) => {
    await until(() => pool.room > 0, 'the pool has room');
    const id = newId();
    const started = deferred<{ readonly pid: number; readonly atMs: number }>();
    const ended = deferred<Outcome | 'returned'>();
    const once = (what: Outcome | 'returned', name: string): void => {
      heard.push(`${name} ${task}`);
      ended.resolve(what);
    };
    const job: Job = {
      received: messageOf(task, args, { id, ...more.headers }),
      softTimeLimitMs: more.softTimeLimitMs ?? null,
      timeLimitMs: more.timeLimitMs ?? null,
      onStarted: (pid, atMs) => {
        heard.push(`started ${task}`);
        started.resolve({ pid, atMs });
      },
      onEnded: (outcome) => once(outcome, 'ended'),
      onReturned: () => once('returned', 'returned'),
    };
    pool.run(job);
    return { id, job, started: started.promise, ended: ended.promise };
  };
  return {
    pool,
    heard,
    log,
    give,
    async run(task, args, more) {
      const outcome = await (await give(task, args, more)).ended;
      assert.ok(outcome !== 'returned', `${task} was handed back`);
      return outcome;
    },
  };
}

export function messageOf(task: string, args: readonly Value[], headers: JsonObject = {}): ReceivedTask {
  const body = encodeTaskBody({ args, kwargs: {}, embed: { callbacks: null, errbacks: null, chain: null, chord: null } });
  const message = {
    body: { base64: Buffer.from(body).toString('base64') },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    headers: fillHeaders({ id: newId(), ...headers, task }),
    properties: {},
  };
  return receiveTask({ message, queue: 'celery', exchange: '', routingKey: 'celery', redelivered: false }, decodePoolBody) as ReceivedTask;
}

/** The parts of a core that pools touch; anything else is a mistake that should be seen. */
function coreOf(heard: string[], log: string[]): AppCore {
  const note = (what: string): Promise<void> => {
    heard.push(what);
    return Promise.resolve();
  };
  const host: TaskHost = {
    // Slower than the task: an outcome that did not wait would overtake it.
    dispatch: async ({ groups }) => {
      await systemClock.sleep(2);
      await note(`dispatch ${groups[0]?.groupId}`);
    },
    saveState: ({ status, result }) => note(`save ${status} ${result.json}`),
    growChord: (groupId, by) => (groupId === 'refused' ? Promise.reject(new Error('no such chord')) : note(`grow ${groupId} ${by}`)),
    emit: (type) => void note(`emit ${type}`),
    idle: () => Promise.resolve(),
  };
  const line = (level: string) => (message: string, data?: object) => void log.push(`${level} ${message} ${JSON.stringify(data ?? {})}`);
  const logger: Logger = { debug: line('DEBUG'), info: line('INFO'), warn: line('WARNING'), error: line('ERROR'), critical: line('CRITICAL') };
  const known = { clock: systemClock, log: logger, host, tasks: { get: findPoolTask, names: () => [] } };
  return known as unknown as AppCore;
}

/** Waits for a moment; fails with what was waited for. */
export async function until(isTrue: () => boolean, what: string, patienceMs = 10_000): Promise<void> {
  for (const end = systemClock.monotonic() + patienceMs; !isTrue(); await systemClock.sleep(2)) {
    assert.ok(systemClock.monotonic() < end, `waited in vain: ${what}`);
  }
}

/** Runs a short task until the pool has seen that it is short, and holds several at a time. What is given next, without a pause, is held together. */
export async function proveShort({ pool, run }: Opened, task: string, args: readonly Value[]): Promise<void> {
  for (let runs = 0; pool.room <= pool.size; runs++) {
    assert.ok(runs < 5_000, `the pool never took ${task} for short`);
    await run(task, args);
  }
}

/** The value of a SUCCESS; fails with the outcome when it is none. */
export function valueOf(outcome: Outcome | 'returned'): unknown {
  assert.ok(outcome !== 'returned' && outcome.state === 'SUCCESS', `not a success: ${JSON.stringify(outcome)}`);
  return JSON.parse(outcome.valueJson);
}

/** The type of the error of a FAILURE; fails with the outcome when it is none. */
export function errorOf(outcome: Outcome | 'returned'): { readonly type: string; readonly args: unknown; readonly module: string | null } {
  assert.ok(outcome !== 'returned' && outcome.state === 'FAILURE', `not a failure: ${JSON.stringify(outcome)}`);
  const { exc_type: type, exc_message: args, exc_module: module } = outcome.error;
  return { type, args, module };
}
