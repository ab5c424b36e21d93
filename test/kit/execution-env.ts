import type { ResultBackend } from '../../src/backends/backend.ts';
import { driver } from '../../src/backends/memory/index.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import { newId } from '../../src/kernel/ids.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import type { Encoded, Json, Value } from '../../src/protocol/json.ts';
import type { SignatureData } from '../../src/protocol/signature.ts';
import { signatureData } from '../../src/protocol/signature.ts';
import { fillHeaders, type ReceivedTask, type TaskBody, type TaskHeaders } from '../../src/protocol/task-message.ts';
import { jsonCodec } from '../../src/testing/conformance/backend.ts';
import { policy } from '../../src/testing/conformance/pool/tasks.ts';
import { createFakeClock } from '../../src/testing/fake-clock.ts';
import type { ExecutionEnv, Run, RunnableTask } from '../../src/execution/env.ts';
import type { TaskHost } from '../../src/execution/host.ts';

/* What the tests of this room share: a received task, a task, and an env whose follow-ups and saves can be read. */

export { policy };

export const quietHost: TaskHost = {
  dispatch: () => Promise.resolve(),
  saveState: () => Promise.resolve(),
  growChord: () => Promise.resolve(),
  emit: () => undefined,
  idle: () => Promise.resolve(),
};

export function taskOf(handler: (run: Run, ...args: never[]) => unknown, own: Partial<typeof policy> = {}): RunnableTask {
  return {
    name: 't',
    policy: { ...policy, ...own },
    listensAfter: false,
    run: (run, body) => handler(run, ...(body.args as never[])),
    after: () => Promise.resolve(),
  };
}

export function received(
  given: {
    readonly headers?: Partial<TaskHeaders>;
    readonly args?: readonly Value[];
    readonly embed?: Partial<TaskBody['embed']>;
    readonly kwargs?: TaskBody['kwargs'];
  } = {},
  delivery: Partial<ReceivedTask['deliveryInfo']> = {},
): ReceivedTask {
  const headers = fillHeaders({ task: 't', id: 'id1', ...given.headers });
  const body: TaskBody = {
    args: given.args ?? [],
    kwargs: given.kwargs ?? {},
    embed: { callbacks: null, errbacks: null, chain: null, chord: null, ...given.embed },
  };
  return {
    headers,
    wire: { body: { text: '' }, contentType: 'application/json', contentEncoding: 'utf-8', headers, properties: {} },
    deliveryInfo: { exchange: '', routingKey: 'celery', queue: 'celery', priority: null, redelivered: false, ...delivery },
    body: () => body,
  };
}

export const sig = (task: string, options: SignatureData['options'] = {}, more: Partial<SignatureData> = {}): SignatureData =>
  signatureData({ task, options, ...more });

export interface TestEnv extends ExecutionEnv {
  /** `start add 4`, `save SUCCESS id1 4`, in order. */
  readonly done: string[];
  readonly started: SignatureData[];
  /** Makes starting that task fail. */
  readonly refuses: Set<string>;
}

/** An env on a memory store of its own; a follow-up is written down and not run. */
export async function testEnv(more: Partial<ExecutionEnv> = {}): Promise<TestEnv> {
  const clock = createFakeClock();
  const done: string[] = [];
  const started: SignatureData[] = [];
  const refuses = new Set<string>();
  const store = await driver.open({
    url: new URL(`memory://${newId()}`),
    clock,
    log: silentLogger,
    codec: jsonCodec,
    expiresMs: null,
    failureExpiresMs: null,
    chordExpiresMs: 3_600_000,
    chordJoinTimeoutMs: 3000,
    transportOptions: {},
    settings: resolveSettings([{ brokerUrl: 'memory://' }]),
  });
  return {
    clock,
    backend: noting(store, done),
    hostname: 'w1@test',
    resultExtended: false,
    log: silentLogger,
    findTask: () => taskOf(() => undefined),
    start(signature: SignatureData, _because: ReceivedTask, result?: Encoded): Promise<Json> {
      if (refuses.has(signature.task)) return Promise.reject(new Error(`the broker refused ${signature.task}`));
      started.push(signature);
      done.push(`start ${signature.task}${result === undefined ? '' : ` ${result.json}`}`);
      return Promise.resolve([[`child-${started.length}`, null], null]);
    },
    done,
    started,
    refuses,
    ...more,
  };
}

function noting(store: ResultBackend, done: string[]): ResultBackend {
  const save: ResultBackend['save'] = (meta, options) => {
    done.push(`save ${meta.status} ${meta.task_id} ${meta.result.json}`);
    return store.save(meta, options);
  };
  return new Proxy(store, {
    get(target, key) {
      if (key === 'save') return save;
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(target) : member;
    },
  });
}
