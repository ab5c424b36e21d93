// Every idiom, in the style of the README. It compiles without a cast; the types named in comments are what an editor shows.
// What is not built yet (beat's schedules, events, the test kit) joins with its feature.
import {
  Broadcast, Celery, Exchange, Ignore, Queue, Reject, Retry, SoftTimeLimitExceeded, Task, TaskFailure, Worker,
  chain, chord, createClient, currentTask, group, periodic, sharedTask, signature, taskContract,
} from '../../src/index.ts';
import { control, defineCommand, inspect } from '../../src/control/index.ts';
import type { AnyTask, AsyncResult, GroupResult, Json, Middleware, RemoteTask, Schedule, Signature, StandardSchemaV1, TaskContext } from '../../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
const same = <A, B>(_: Same<A, B>): void => {};
declare function deliver(userId: number, options: { signal: AbortSignal }): Promise<void>;
declare function schema<Input, Output = Input>(): StandardSchemaV1<Input, Output>;   // in place of zod, valibot, arktype
class NetworkError extends Error {}
interface User { id: number; name?: string; friends: User[]; born: Date; photo?: Uint8Array }
declare function crontab(fields: object | string): Schedule;
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

// ── An app and its tasks ──
export const app = new Celery('tasks', { broker: 'redis://127.0.0.1:6379/5', backend: 'redis://127.0.0.1:6379/6', include: ['./more-tasks.ts'] });

export const add = app.task('tasks.add', (x: number, y: number) => x + y);                       // NamedTask<"tasks.add", [x: number, y: number], number>
export const { mul, half } = app.defineTasks({                                                   // "tasks.mul", "tasks.half"
  mul: (x: number, y: number) => x * y,
  half(x: number, digits = 2) { return (x / 2).toFixed(digits); },
}, { queue: 'maths' });
export const plain = app.task(function square(x: number) { return x * x; });                     // Task<[x: number], number>, named by the function
export const inc = app.task('tasks.inc', (x: number, by = 1) => x + by);                         // default argument: [x: number, by?: number]
export const tsum = app.task('tasks.tsum', (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0));
export const log = app.task('tasks.log', async (value: unknown) => { console.log(value); });
export const join = app.task('tasks.join', (separator: string, ...parts: string[]) => parts.join(separator));   // rest arguments
export const befriend = app.task('users.befriend', async (user: User) => user.friends);          // interfaces, Date, bytes
export const find = app.task('users.find', async (id: number) => (id > 0 ? { id } : undefined)); // callers get { id } | null

// ── Options, context, retry, progress ──
export const sendMail = app.task('mail.send', {
  bind: true, maxRetries: 5, defaultRetryDelay: 300, acksLate: true, rateLimit: '100/m', queue: 'mail', timeLimit: 60, softTimeLimit: '45s',
  autoretryFor: [NetworkError], dontAutoretryFor: [TypeError], retryBackoff: true, retryBackoffMax: '10m', retryJitter: true,
}, async (self, userId: number) => {
  self.log.info(`attempt ${self.request.retries} of ${self.request.id}`);
  try { await deliver(userId, { signal: self.signal }); }
  catch (error) { throw self.retry({ exc: error, countdown: 2 ** self.request.retries }); }
});
export const backup = app.task('backup', async function (path: string) {                        // `this` is the context too
  await this.updateState({ state: 'UPLOADING', meta: { path } });
  await this.progress(1, 2);
  return path.length;
});
export const factorial = app.task('factorial', { bind: true }, (self, n: number, product = 1): number => (n <= 1 ? product : self.replace(multiply.s(n, product))));
export const counted = app.task({ name: 'counted', bind: true }, async function (self, n: number) { await this.progress(n, 10); return self.request.id; });
const multiply = app.declare<(x: number, y: number) => number>('remote.multiply');
export const polite = app.task({ name: 'polite', softTimeLimit: 5, throws: [RangeError] }, async (host: string) => {   // options alone, name among them
  const self = currentTask();
  if (host === '') throw new Reject('no host', { requeue: false });
  if (host === 'me') throw new Ignore();
  if (host === 'later') throw new Retry({ countdown: '5m' });
  if (self?.signal.reason instanceof SoftTimeLimitExceeded) return 'late';
  return 'done';
});
export const custom = app.task('custom-backoff', { retryBackoff: (retries) => `${retries + 1}m`, autoretryFor: (error) => error.message.includes('429') }, async () => {});

// ── Class tasks, and a base class for `self` ──
export class SendSms extends Task {
  override readonly name = 'sms.send';
  override readonly options = { maxRetries: 2, queue: 'sms' };
  #sent = 0;
  async run(to: string, text: string) { this.#sent += 1; return { to, length: text.length, id: this.request.id }; }
  override onFailure(error: Error) { this.log.error(error.message, { sent: this.#sent }); }
}
export const sendSms = app.register(SendSms);                                                    // NamedTask<"sms.send", [to: string, text: string], …>
export abstract class DatabaseTask extends Task { readonly database = { query: async (sql: string): Promise<number> => sql.length } }
class Rows extends DatabaseTask { run(): void {} }
export const countRows = app.task('db.count', { bind: true, base: Rows }, async (self, table: string) => self.database.query(`select count(*) from ${table}`));

// ── Calling ──
export async function calling(): Promise<void> {
  const result = await add.delay(2, 2);
  same<typeof result, AsyncResult<number>>(true);
  const four: number = await result.get({ timeout: 10 });
  await add.applyAsync([2, 2], { countdown: 10, expires: '1h', queue: 'for_task_A', priority: 5, taskId: 'mine', link: [log.s(), inc.s(3)], linkError: alarm, headers: { tenant: 'a' }, retryPolicy: { maxRetries: 3, intervalMax: '200ms' } });
  await add.applyAsync([2, 2], { eta: new Date(), expires: '2030-01-02T03:04:05Z', link: mul.s(10) });
  const eager = await add.apply([2, 2]);
  const here: number = add(2, 2) + (await eager.get()) + four;                                   // the plain function
  const both = await app.sendMany([add.s(1, 1), befriend.s({ id: 1, friends: [], born: new Date() })]);
  same<typeof both, [AsyncResult<number>, AsyncResult<User[]>]>(true);
  const found = await (await find.delay(here)).get();
  same<typeof found, { id: number } | null>(true);
  same<Awaited<ReturnType<typeof log.delay>>, AsyncResult<null>>(true);                           // nothing returned is Python's None
}
export const alarm = app.errback('alarm', (request, error, traceback) => { console.error(request.id, error.message, traceback); });
export const alarmById = app.task('alarm-by-id', async (taskId: string) => { console.error(taskId); });
export const linked = add.s(1, 2).link(log.s()).linkError(alarmById.s()).onError(alarm).set({ queue: 'slow', countdown: '10s' });

// ── Tasks that live elsewhere ──
export const resize = app.declare<(url: string, width: number) => string>('images.resize', { params: ['url', 'width'], queue: 'images' });
export const render = app.declare<(page: string, kwargs: { width: number; dark?: boolean }) => string>('pdf.render', { kwargs: true });   // the last one travels as Python's kwargs
declare module '../../src/index.ts' { interface TaskRegistry { 'py.tasks.add': (x: number, y: number) => number } }
export async function elsewhere(): Promise<void> {
  await resize.delay('http://example.org', 100);
  await render.delay('index', { width: 100 });
  const n: number = await (await app.sendTask('py.tasks.add', [2, 2])).get();                      // typed by the registry
  const s: string = await (await app.sendTask<typeof resizeByHand>('images.resize', ['u', n])).get(); // typed by a function
  await app.sendTask('proj.tasks.add', [16], { kwargs: { y: 16 } });                                // untyped
  const sig = signature<(x: number) => string>('py.tasks.show', { options: { queue: s } });
  same<typeof sig, Signature<[x: number], string>>(true);
  await add.s(1, 2).pipe(sig).delay();
}
declare function resizeByHand(url: string, width: number): string;

// A contract both sides import; the producer never sees the code.
export const convert = taskContract<(file: string, to: 'pdf' | 'png') => { pages: number }>('convert', { queue: 'convert' });
export const converter = app.implement(convert, async (file, to) => ({ pages: file.length + to.length }));
export const convertFromHere: RemoteTask<[file: string, to: 'pdf' | 'png'], { pages: number }> = app.declare(convert);
// Or by type alone: `import type * as tasks from './tasks.ts'`.
type tasks = { add: typeof add; mul: typeof mul; sendMail: typeof sendMail; app: typeof app };
export async function producer(): Promise<void> {
  await using client = createClient<tasks>({ broker: 'amqp://', backend: 'rpc://' });
  const product: number = await (await client.task('tasks.mul').delay(2, 3)).get();
  await client.task('mail.send').delay(product);
  await client.declare(convert).delay('a.doc', 'pdf');
}

// ── Schemas: any Standard Schema types the handler; callers give its input ──
export const invite = app.task('invite', { args: schema<[email: string, at: string], [email: string, at: Date]>(), result: schema<{ sent: boolean }>() }, async (email, at) => ({ sent: email.length > at.getTime() }));
export const invited = async (): Promise<boolean> => (await (await invite.delay('a@b.c', '2030-01-01')).get()).sent;

// ── Canvas ──
export async function canvas(): Promise<void> {
  same<ReturnType<typeof add.s<[2]>>, Signature<[x: number], number>>(true);
  same<typeof mul.name, 'tasks.mul'>(true); same<Parameters<typeof half.delay>, [x: number, digits?: number | undefined]>(true);
  await chain(range(3).map((i) => add.s(i))).delay(plain(2));                                       // as many steps as there are
  const piped = add.s(2, 2).pipe(add.s(4)).pipe(mul.s(8));
  same<typeof piped, Signature<[], number>>(true);
  const chained = chain(add.s(2), add.s(4), mul.s(8), inc.s(), find.s());                             // still wants its first argument
  same<typeof chained, Signature<[x: number], { id: number } | null>>(true);
  await chained.delay(1);
  await chain(log.s('start'), add.si(1, 2), inc.s(5)).applyAsync({ countdown: 5 });                  // .si ignores what came before
  const long = chain(add.s(1, 2), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), befriendById.s());
  same<typeof long, Signature<[], User[]>>(true);

  const array = await group(range(10).map((i) => add.s(i, i))).delay();
  same<typeof array, GroupResult<number[]>>(true);
  const tuple = await group(add.s(1, 1), backup.s('/'), log.s(1)).applyAsync({ queue: 'q' });
  const [n, m, none]: [number, number, null] = await tuple.get();
  const settled = await array.get({ propagate: false }), settledTuple = await tuple.join({ propagate: false });   // errors in their places
  same<typeof settled, (number | Error)[]>(true); same<typeof settledTuple, [number | Error, number | Error, Error | null]>(true);
  for await (const { index, value } of array) console.log(index, value, n, m, none);                 // as they finish
  const total: number = await (await chord(range(10).map((i) => add.s(i, i)), tsum.s()).delay()).get();
  await group(add.s(1, 1), add.s(2, 2)).pipe(tsum.s()).pipe(inc.s(total)).delay();                    // a group before a step is a chord
  await chord(group(add.s(1), mul.s(2)), tsum.s()).delay(5);                                          // both get 5 first
  await add.s(1, 2).pipe(group([inc.s(), mul.s(2)])).pipe(tsum.s()).delay();

  const flat = await group(inc.s(1), group(inc.s(2), log.s('x'))).delay();                            // groups in a group are one
  same<typeof flat, GroupResult<[number, number, null]>>(true);
  const parts = await add.chunks([[1, 2], [3, 4]], 10).delay();
  same<typeof parts, GroupResult<number[][]>>(true);
  const mapped: number[] = await (await inc.map(range(3)).delay()).get();
  const starred: number[] = await (await add.starmap([[1, 2], [3, 4]]).delay()).get();
  await group(range(3).map((i) => inc.s(i + mapped.length + starred.length))).skew(1, 10).delay();
  const { signature: frozen, result } = add.s(1, 2).stamp({ tenant: 'a' }).freeze();
  await frozen.delay(); await result.get();
}
export const befriendById = app.declare<(id: number) => User[]>('users.befriend_by_id');

// ── Results ──
export async function results(): Promise<void> {
  const r = app.AsyncResult<number>('some-id');
  try { await r.get({ timeout: '10s', signal: AbortSignal.timeout(1000) }); } catch (error) { if (error instanceof TaskFailure) console.log(error.type, error.traceback); }
  const outcome = await r.get({ propagate: false });
  if (outcome instanceof Error) throw outcome;
  console.log(outcome + 1, await r.ready(), await r.state(), (await r.info<{ done: number }>()).done);
  for await (const update of r.updates()) console.log(update.state);
  await r.revoke({ terminate: true, signal: 'SIGKILL' });
  (await app.GroupResult<number>('group-id'))?.completedCount();
  app.ResultSet([r]).add(r);
}

// ── Settings, routing, schedule ──
app.configure({
  timezone: 'Asia/Shanghai', taskDefaultQueue: 'default', resultExpires: '1d', taskAnnotations: { 'tasks.add': { rateLimit: '10/s' } },
  taskQueues: [new Queue('default'), new Queue('for_task_A', { exchange: new Exchange('for_task_A', { type: 'topic' }), routingKey: 'for_task_A', maxPriority: 10 }), new Broadcast('all')],
  taskRoutes: [{ my_taskA: { queue: 'for_task_A', routingKey: 'for_task_A' }, 'feed.*': 'feeds' }, [/^(video|image)\./, 'media'], (name) => (name.startsWith('slow') ? { queue: 'slow', priority: 1 } : undefined)],
  beatSchedule: {
    'add-every-30-seconds': { task: 'proj.tasks.add', schedule: 30, args: [16, 16] },
    'add-every-monday-morning': periodic(add, { schedule: crontab({ hour: 7, minute: 30, dayOfWeek: 1 }), args: [16, 16], options: { expires: '10m' } }),
  },
});
app.configFromObject({ broker_url: 'amqp://', task_default_queue: 'a', BROKER_URL: 'amqp://', CELERY_RESULT_BACKEND: 'rpc://', CELERYBEAT_SCHEDULE: {}, TASK_TIME_LIMIT: 5 });
app.configFromObject({ CELERY_BROKER_URL: 'amqp://', CELERY_TASK_DEFAULT_QUEUE: 'a' }, { namespace: 'CELERY' });
app.configFromObject('./config.ts'); app.configFromEnvvar('CELERY_CONFIG_MODULE');
app.addPeriodicTask(crontab('*/15 * * * *'), add.s(1, 1)); app.addPeriodicTask('30s', log.s('tick'), { name: 'tick', relative: true }); app.addPeriodicTask('1h', chain(add.s(1, 2), log.s()));
app.autodiscoverTasks(['./apps/*/tasks.ts']);
export const limit: number | 'auto' | null = app.conf.workerConcurrency;

// ── Signals and middleware ──
using unsubscribe = app.on('taskFailure', ({ task, taskId, exception }) => { console.error(task, taskId, exception.message); }, { sender: sendMail });
app.on('beforeTaskPublish', ({ headers }) => { headers['trace'] = 'x'; });
const tracing: Middleware = {
  async publish(call, next) { call.headers['traceparent'] = '00-…'; await next(); },
  async execute(context, next) { const started = performance.now(); try { return await next(); } finally { context.log.info(`${performance.now() - started} ms`); } },
};
app.use(tracing); void unsubscribe;

// ── Running, control, events ──
export async function running(): Promise<void> {
  await using worker = await new Worker(app, { queues: ['default'], concurrency: 8, pool: 'async', loglevel: 'info', beat: true }).start();
  const alive = await inspect(app, { timeout: 1 }).ping();
  console.log(Object.keys(alive), worker.stats());
  await control(app).rateLimit(sendMail, '10/m'); await control(app).revoke('id', { terminate: true }); await control(app).addConsumer('extra', { destination: ['w1@host'] });
  await worker.stop({ mode: 'soft', timeout: '30s' }); await worker.closed;
}
defineCommand(app, { kind: 'inspect', name: 'lag', args: { queue: 'string' } }, (worker, { queue }: { queue: string }) => `${worker.hostname} ${queue}`);

// ── For libraries ──
export const touch = sharedTask('lib.touch', async (key: string) => key);
export const callAny = async <A extends readonly unknown[], R>(task: RemoteTask<A, R>, ...args: A) => task.delay(...args);
export const several: AnyTask[] = [add, inc, join, sendMail, resize, log, countRows, converter];
export const contextual = (context: TaskContext): string => context.request.id;

// A task may return a handle or a signature: the caller receives Celery's tuple or dictionary.
export const startLater = app.task('tasks.startLater', async (x: number) => add.delay(x, 1));
export const handle: Promise<Json> = startLater.delay(1).then((r) => r.get());
// Python's names for errors.
class ValueError extends Error {}
app.registerError(ValueError, 'builtins.ValueError', { toArgs: (e) => [e.message] });
