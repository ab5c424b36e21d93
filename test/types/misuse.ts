// What must not compile, with the words the compiler uses, shortened. Each line is an error a user will one day make.
import { Celery, Queue, Task, chain, chord, createClient, group, periodic, signature, taskContract } from '../../src/index.ts';
import type { Duration, StandardSchemaV1 } from '../../src/index.ts';
declare const app: Celery;
declare function schema<Input, Output = Input>(): StandardSchemaV1<Input, Output>;
const add = app.task('add', (x: number, y: number) => x + y);
const inc = app.task('inc', (x: number, by = 1) => x + by);
const shout = app.task('shout', (text: string) => text.toUpperCase());
const tsum = app.task('tsum', (xs: number[]) => xs.length);
const totals = app.task('totals', (all: number[][]) => all.length);
const pairAndOne = app.task('pair-and-one', (all: [number[], number]) => all.length);
const nothing = app.task('nothing', async () => {});
const later = app.task(function later() { return 1; });

// ── Arguments of a call ──
// @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'number'
await add.delay('2', 2);
// @ts-expect-error Expected 2 arguments, but got 1
await add.delay(2);
// @ts-expect-error Expected 2 arguments, but got 3
await add.delay(2, 2, 2);
// @ts-expect-error Source has 1 element(s) but target requires 2
await add.applyAsync([2]);
// @ts-expect-error 'countdwon' does not exist in type 'ApplyOptions<number>'
await add.applyAsync([2, 2], { countdwon: 10 });
// @ts-expect-error Type '"10 minutes"' is not assignable to type 'Duration'
await add.applyAsync([2, 2], { countdown: '10 minutes' });
// @ts-expect-error the callback wants a string, the result is a number
await add.applyAsync([2, 2], { link: shout.s() });
// @ts-expect-error a result is not a promise: nobody may await it by mistake
(await add.delay(2, 2)).then((n) => n);
// @ts-expect-error Type 'number' is not assignable to type 'string'
const text: string = await (await add.delay(2, 2)).get();

// ── What cannot be sent ──
// @ts-expect-error CannotBeSent<"a Map: use Object.fromEntries(map) or [...map]">
app.task('map', (m: Map<string, number>) => m.size);
// @ts-expect-error The types of 'deep.big' are incompatible: CannotBeSent<"a bigint: send a string, or Decimal">
app.task('bigint', (o: { deep: { big: bigint } }) => o.deep.big > 0n);
// @ts-expect-error CannotBeSent<"a Set: use [...set]">, as a result
app.task('set', () => new Set([1]));
// @ts-expect-error CannotBeSent<"a function or symbol">
app.task('callback', (done: () => void) => done());
// @ts-expect-error CannotBeSent<"an object with hidden state: send its text">
app.task((u: URL) => u.href);
class Money { amount: number; constructor(amount: number) { this.amount = amount; } plus(other: Money): Money { return new Money(this.amount + other.amount); } }
// @ts-expect-error Types of property 'plus' are incompatible: CannotBeSent<"a function or symbol">
app.task('money', (m: Money) => m.amount);
// @ts-expect-error the same with bind: CannotBeSent<"a Map: …">
app.task('bound-map', { bind: true }, (self, m: Map<string, number>) => m.size);

// ── Defining ──
// @ts-expect-error 'maxRetrys' does not exist in type …
app.task('typo', { maxRetrys: 5 }, () => 1);
// @ts-expect-error Type '"100 per minute"' is not assignable to type 'RateLimit'
app.task('rate', { rateLimit: '100 per minute' }, () => 1);
// @ts-expect-error Property 'nope' does not exist on type 'TaskContext'
app.task('ctx', { bind: true }, (self) => self.nope);
// @ts-expect-error without a type a parameter is 'never': it cannot be used
app.task('untyped', (x) => x.length);
// @ts-expect-error the handler must accept what the schema gives
app.task('schema', { args: schema<[number]>() }, (x: string) => x);
// @ts-expect-error the result schema says boolean
app.task('result', { result: schema<{ ok: boolean }>() }, async () => ({ ok: 'yes' }));
// @ts-expect-error the contract says string
app.implement(taskContract<(n: number) => string>('contract'), (n) => n);
// @ts-expect-error Non-abstract class 'NoRun' does not implement inherited abstract member run
class NoRun extends Task { override readonly name = 'norun'; }

// @ts-expect-error CannotBeSent<"a Map: …"> in a table of tasks
app.defineTasks({ ok: (x: number) => x, bad: (m: Map<string, number>) => m.size });

// ── Canvas ──
// @ts-expect-error Type '["x"]' is not assignable to type '[y: number]'
add.s('x');
// @ts-expect-error too many
add.s(1, 2, 3);
// @ts-expect-error its first argument is missing
await add.s(2).delay();
// @ts-expect-error the same, with options
await add.s(2).applyAsync({ countdown: 1 });
// @ts-expect-error Type 'number' is not assignable to type 'string'
add.s(1, 2).pipe(shout.s());
// @ts-expect-error two arguments are missing and a link brings one
add.s(1, 2).pipe(add.s());
// @ts-expect-error a full call is deaf to nothing: use .si
shout.s('a').pipe(add.s(1, 2));
// @ts-expect-error nothing returned is null: use .si
nothing.s().pipe(inc.s());
// @ts-expect-error the third step
chain(add.s(1, 2), inc.s(), shout.s(), shout.s());
// @ts-expect-error the tenth step
chain(add.s(1, 2), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), inc.s(), shout.s());
// @ts-expect-error the body of a chord gets a list
chord([add.s(1, 2)], inc.s());
// @ts-expect-error a list of strings is not a list of numbers
group(shout.s('a'), shout.s('b')).pipe(tsum.s());
// @ts-expect-error groups in a header are one group: the body gets numbers, not lists of them
chord([group(inc.s(1), inc.s(2))], totals.s());
// @ts-expect-error the same by arguments: three numbers, not a list and a number
group(group(inc.s(1), inc.s(2)), inc.s(3)).pipe(pairAndOne.s());
// @ts-expect-error a visitor must say something of every signature
add.s(1, 2).stamp({ onGroupStart: () => ({}), onSignature: 'tenant' });
// @ts-expect-error stamps travel as JSON: a function does not
add.s(1, 2).stamp({ tenant: () => 'a' });
// @ts-expect-error a link gets the result: a number, not a text
add.s(1, 2).link(shout.s());
// @ts-expect-error a link of a chord gets the body's result
chord([add.s(1, 2)], tsum.s()).link(shout.s());
// @ts-expect-error the step after a chord gets the body's result
chord([add.s(1, 2)], tsum.s()).pipe(shout.s());
// @ts-expect-error a chain that ends in a group gives a list
chain(add.s(1, 2), group(inc.s(), inc.s()), inc.s());
// @ts-expect-error one member still wants an argument
await group(add.s(1, 2), add.s(1)).delay();
// @ts-expect-error map() runs a task of one argument; use starmap()
add.map([1, 2]);
// @ts-expect-error pairs, not triples
add.starmap([[1, 2, 3]]);

// ── By name ──
// @ts-expect-error '"nope"' is not assignable to parameter of type '"inc"'
createClient<{ inc: typeof inc }>({ broker: 'amqp://' }).task('nope');
// @ts-expect-error a task without an explicit name is not offered: its name is not known to the compiler
createClient<{ later: typeof later }>({ broker: 'amqp://' }).task('later');
// @ts-expect-error Type 'string' is not assignable to type 'number'
await app.sendTask<(x: number) => number>('f', ['1']);
// @ts-expect-error a full signature lacks nothing
signature<(x: number) => number>('f').delay();

// ── Settings, schedules, the rest ──
// @ts-expect-error Did you mean to write 'taskDefaultQueue'?
app.configure({ taskDefaultQueu: 'a' });
// @ts-expect-error with a namespace every key has the prefix
app.configFromObject({ BROKER_URL: 'amqp://' }, { namespace: 'CELERY' });
// @ts-expect-error 'CELERY_RESULT_BACKENDS' does not exist in type 'SettingsSource'
app.configFromObject({ CELERY_RESULT_BACKENDS: 'rpc://' });
// @ts-expect-error Type 'string' is not assignable to type 'number'
new Queue('a', { maxPriority: '10' });
// @ts-expect-error args are missing
periodic(add, { schedule: 30 });
// @ts-expect-error a signature that still wants an argument cannot be scheduled
app.addPeriodicTask(30, add.s(1));
// @ts-expect-error no such signal
app.on('taskFailed', () => {});
// @ts-expect-error not a unit
export const wrong: Duration = '10 sec';
void text;
