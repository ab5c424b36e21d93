// The table: what is sent, and what must be true of it afterwards, whichever language sends and whichever runs.
import type { Value } from '../../src/protocol/json.ts';
import { Decimal, Uuid } from '../../src/protocol/json.ts';

export interface Signature {
  readonly task: string;
  readonly args: readonly Value[];
  readonly kwargs: Record<string, Value>;
  readonly options: Record<string, Value>;
  readonly immutable: boolean;
}

/** What both producers can be told. Option names are Celery's. */
export interface Call {
  readonly task: string;
  readonly args?: readonly Value[];
  readonly kwargs?: Record<string, Value>;
  readonly options?: Record<string, Value>;
}

export interface Outcome {
  readonly state: string;
  readonly result: Value;
  readonly error: { readonly type: string; readonly message: readonly string[] } | null;
  readonly traceback: boolean;
  readonly children: readonly string[];
  readonly parent_id: string | null;
  readonly name: string | null;
}

export interface Case {
  readonly name: string;
  /** Built anew for each pair; `queue` is that of the worker under test, `id` makes the id of a linked task. */
  readonly call: (at: { readonly queue: string; readonly id: (n: number) => string }) => Call;
  readonly expect: {
    readonly state?: string;
    readonly result?: Value | ((result: Value, id: string) => boolean);
    readonly error?: { readonly type: string; readonly message?: readonly string[] };
    /** How many children the result has. */
    readonly children?: number;
    /** Linked tasks: by the number given to `id`. */
    readonly linked?: Readonly<Record<number, { readonly state?: string; readonly result?: Value | 'the first task’s id'; readonly hasParent?: boolean }>>;
  };
  /**
   * What Celery loses over rpc. 'worker': it sends the task on with an address of its own, so the caller hears nothing.
   * 'producer': a handle of a group among the children takes the members' results out of the buffer, and a later handle finds none.
   */
  readonly lostOverRpcByPython?: 'worker' | 'producer';
  /** Where Celery 5.6 differs, on the side named: what is to be expected then; 'rpc': it does not send over rpc what the row looks at, and reads a final answer again and again (celery-5.7.md 1, 6.5). */
  readonly with56?: { readonly side: 'worker' | 'producer'; readonly expect: Case['expect']; readonly staysPending?: number } | 'rpc';
  /** Revoked right after it was sent. */
  readonly revoke?: boolean;
  /** It must stay without any state for this long (s). */
  readonly staysPending?: number;
  /** Took at least this long (s), counted from the sending. */
  readonly atLeast?: number;
}

const link = (task: string, args: readonly Value[], options: Record<string, Value>, immutable = false): Value => ({
  task,
  args,
  kwargs: {},
  options,
  subtask_type: null,
  immutable,
});
const big = 2n ** 80n;

const values: readonly (readonly [string, Value])[] = [
  ['null', null],
  ['true', true],
  ['text', 'plain'],
  ['unicode', 'naïve 漢字 😀 \u0000\u007f "quoted" \\ /'],
  ['nested JSON', { a: [1, 2, { b: null, c: [[], {}] }], d: 'x', '': 0 }],
  ['a large int', 9_007_199_254_740_991],
  ['an int beyond 64 bits', big],
  ['a negative float', -1.5e-7],
  ['datetime with zone', new Date('2030-01-02T03:04:05.678Z')],
  ['bytes', new Uint8Array([104, 105])],
  ['bytes that are not UTF-8', new Uint8Array([255, 254, 0, 1])],
  ['uuid', new Uuid('12345678-1234-5678-1234-567812345678')],
  ['decimal', new Decimal('1.10')],
];

export const cases: readonly Case[] = [
  { name: 'args', call: () => ({ task: 'proj.add', args: [2, 3] }), expect: { result: 5, children: 0 } },
  { name: 'kwargs', call: () => ({ task: 'proj.add', kwargs: { x: 2, y: 3 } }), expect: { result: 5 } },
  { name: 'args and kwargs', call: () => ({ task: 'proj.add', args: [2], kwargs: { y: 3 } }), expect: { result: 5 } },
  { name: 'defaults', call: () => ({ task: 'proj.defaults', args: [1] }), expect: { result: [1, 2, 'x'] } },
  { name: 'a default passed over by name', call: () => ({ task: 'proj.defaults', args: [1], kwargs: { c: 'z' } }), expect: { result: [1, 2, 'z'] } },
  {
    name: 'rest arguments and further keywords',
    call: () => ({ task: 'proj.rest', args: [1, 2, 3], kwargs: { k: 'v' } }),
    expect: { result: [1, [2, 3], { k: 'v' }] },
  },
  {
    name: 'an unknown keyword is a TypeError',
    call: () => ({ task: 'proj.add', args: [1], kwargs: { y: 1, z: 2 } }),
    expect: { state: 'FAILURE', error: { type: 'TypeError' } },
  },
  ...values.map(([what, value]): Case => ({ name: `value: ${what}`, call: () => ({ task: 'proj.echo', args: [value] }), expect: { result: value } })),
  {
    name: 'ValueError',
    call: () => ({ task: 'proj.fail', args: ['value', 'boom'] }),
    expect: { state: 'FAILURE', error: { type: 'ValueError', message: ['boom'] } },
  },
  {
    name: 'TypeError',
    call: () => ({ task: 'proj.fail', args: ['type', 'böse'] }),
    expect: { state: 'FAILURE', error: { type: 'TypeError', message: ['böse'] } },
  },
  { name: 'KeyError', call: () => ({ task: 'proj.fail', args: ['key', 'k'] }), expect: { state: 'FAILURE', error: { type: 'KeyError', message: ['k'] } } },
  {
    name: 'an error class of one’s own',
    call: () => ({ task: 'proj.fail', args: ['own', 'mine'] }),
    expect: { state: 'FAILURE', error: { type: 'Broken', message: ['mine'] } },
  },
  { name: 'retries, then works', call: () => ({ task: 'proj.retry', args: [2] }), expect: { result: 2 } },
  { name: 'retries used up', call: () => ({ task: 'proj.give_up' }), expect: { state: 'FAILURE', error: { type: 'ValueError', message: ['never works'] } } },
  { name: 'countdown', call: () => ({ task: 'proj.now', options: { countdown: 1.2 } }), expect: {}, atLeast: 1.2 },
  { name: 'eta', call: () => ({ task: 'proj.now', options: { eta: new Date(Date.now() + 1500) } }), expect: {}, atLeast: 1.4 },
  {
    name: 'expired before it could run',
    call: () => ({ task: 'proj.add', args: [1, 1], options: { countdown: 1.5, expires: 0.5 } }),
    expect: { state: 'REVOKED', error: { type: 'TaskRevokedError', message: ['expired'] } },
  },
  { name: 'expires later', call: () => ({ task: 'proj.add', args: [1, 1], options: { expires: 60 } }), expect: { result: 2 } },
  { name: 'priority', call: () => ({ task: 'proj.request', options: { priority: 5 } }), expect: { result: (r) => (r as { priority: Value }).priority === 5 } },
  {
    name: 'routing key of the queue',
    call: () => ({ task: 'proj.request' }),
    expect: { result: (r) => ['ts', 'py'].includes((r as { routing_key: string }).routing_key) },
  },
  {
    name: 'time limits of the call',
    call: () => ({ task: 'proj.request', options: { time_limit: 99, soft_time_limit: 88 } }),
    expect: { result: (r) => JSON.stringify((r as { timelimit: Value }).timelimit) === '[99,88]' },
  },
  {
    name: 'root id is its own id, no parent',
    call: () => ({ task: 'proj.request' }),
    expect: { result: (r, id) => (r as { root_id: Value }).root_id === id && (r as { parent_id: Value }).parent_id === null },
  },
  {
    name: 'headers of the caller',
    call: () => ({ task: 'proj.request', options: { headers: { tenant: 'a' } } }),
    expect: { result: (r) => (r as { tenant: Value }).tenant === 'a' },
  },
  {
    name: 'ignore_result of the task stores nothing',
    call: () => ({ task: 'proj.ignored', args: [1] }),
    expect: { state: 'PENDING' },
    staysPending: 0.7,
    // By name, 5.6 says in the message that the result is not to be ignored.
    with56: { side: 'producer', expect: { result: 1 } },
  },
  {
    name: 'ignore_result of the call stores nothing',
    call: () => ({ task: 'proj.add', args: [1, 1], options: { ignore_result: true } }),
    expect: { state: 'PENDING' },
    staysPending: 0.7,
  },
  {
    name: 'Reject without requeue is a FAILURE',
    call: () => ({ task: 'proj.reject' }),
    expect: { state: 'FAILURE', error: { type: 'Reject' } },
    with56: { side: 'worker', expect: { state: 'PENDING' }, staysPending: 0.7 },
  },
  { name: 'Ignore stores nothing', call: () => ({ task: 'proj.ignore_me' }), expect: { state: 'PENDING' }, staysPending: 0.7 },
  { name: 'a custom state on the way', call: () => ({ task: 'proj.custom', args: [0.4] }), expect: { result: 'done' } },
  { name: 'a child of the task', call: () => ({ task: 'proj.parent', args: ['proj.add', [1, 2]] }), expect: { children: 1 }, with56: 'rpc' },
  { name: 'replace', call: () => ({ task: 'proj.replace', args: [1] }), expect: { result: 101 }, lostOverRpcByPython: 'worker' },
  {
    name: 'link',
    call: ({ queue, id }) => ({ task: 'proj.add', args: [1, 2], options: { link: [link('proj.add', [10], { task_id: id(1), queue })] } }),
    expect: { result: 3, children: 1, linked: { 1: { result: 13, hasParent: true } } },
    with56: 'rpc',
  },
  {
    name: 'an immutable link',
    call: ({ queue, id }) => ({ task: 'proj.add', args: [1, 2], options: { link: [link('proj.add', [10, 20], { task_id: id(1), queue }, true)] } }),
    expect: { result: 3, linked: { 1: { result: 30, hasParent: true } } },
    with56: 'rpc',
  },
  {
    name: 'two links',
    call: ({ queue, id }) => ({
      task: 'proj.add',
      args: [1, 2],
      options: { link: [link('proj.add', [10], { task_id: id(1), queue }), link('proj.echo', [], { task_id: id(2), queue })] },
    }),
    expect: { result: 3, linked: { 1: { result: 13 }, 2: { result: 3 } } },
    lostOverRpcByPython: 'producer',
  },
  {
    name: 'link_error',
    call: ({ queue, id }) => ({ task: 'proj.fail', args: ['value', 'boom'], options: { link_error: [link('proj.failed_id', [], { task_id: id(1), queue })] } }),
    expect: { state: 'FAILURE', error: { type: 'ValueError' }, linked: { 1: { result: 'the first task’s id', hasParent: true } } },
    with56: 'rpc',
  },
  {
    name: 'a link is not followed after a failure',
    call: ({ queue, id }) => ({ task: 'proj.fail', args: ['value', 'boom'], options: { link: [link('proj.echo', [], { task_id: id(1), queue })] } }),
    expect: { state: 'FAILURE', linked: { 1: { state: 'PENDING' } } },
  },
  {
    name: 'revoked by id while it waits',
    // Longer than a busy machine may need to bring the revoke.
    call: () => ({ task: 'proj.add', args: [1, 1], options: { countdown: 6 } }),
    revoke: true,
    expect: { state: 'REVOKED', error: { type: 'TaskRevokedError' } },
  },
  { name: 'unknown task', call: () => ({ task: 'proj.nobody_has_this' }), expect: { state: 'FAILURE', error: { type: 'NotRegistered' } } },
  {
    name: 'msgpack',
    call: () => ({ task: 'proj.echo', args: [{ a: [1, 'ü', null, 1.5] }], options: { serializer: 'msgpack' } }),
    expect: { result: { a: [1, 'ü', null, 1.5] } },
  },
  {
    name: 'yaml',
    call: () => ({ task: 'proj.echo', args: [{ a: [1, 'ü', null, true, 'yes'] }], options: { serializer: 'yaml' } }),
    expect: { result: { a: [1, 'ü', null, true, 'yes'] } },
  },
  { name: 'zlib', call: () => ({ task: 'proj.echo', args: ['x'.repeat(10_000)], options: { compression: 'zlib' } }), expect: { result: 'x'.repeat(10_000) } },
  { name: 'bzip2', call: () => ({ task: 'proj.echo', args: ['y'.repeat(10_000)], options: { compression: 'bzip2' } }), expect: { result: 'y'.repeat(10_000) } },
  { name: 'lzma', call: () => ({ task: 'proj.echo', args: ['z'.repeat(10_000)], options: { compression: 'lzma' } }), expect: { result: 'z'.repeat(10_000) } },
  { name: 'zstd', call: () => ({ task: 'proj.echo', args: ['s'.repeat(10_000)], options: { compression: 'zstd' } }), expect: { result: 's'.repeat(10_000) } },
  {
    name: 'brotli',
    call: () => ({ task: 'proj.echo', args: ['b'.repeat(10_000)], options: { compression: 'brotli' } }),
    expect: { result: 'b'.repeat(10_000) },
  },
  { name: 'a large body', call: () => ({ task: 'proj.echo', args: ['L'.repeat(1_000_000)] }), expect: { result: 'L'.repeat(1_000_000) } },
];
