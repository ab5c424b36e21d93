import { expect, test } from 'vitest';
import { chain, chord, group, Signature, signature, type SignatureData } from '../index.ts';
import { silentLogger } from '../kernel/logger.ts';
import { createTestApp } from '../testing/index.ts';
import { Celery } from './celery.ts';

const newApp = (): Celery => new Celery('shop', { broker: 'memory://', backend: 'memory://', log: silentLogger, taskAlwaysEager: true });

test('a group without members has no results, with an app or without', async () => {
  const sent = await group([]).delay();
  expect(sent.results).toEqual([]);
  expect(await sent.get()).toEqual([]);
  expect([await sent.ready(), await sent.successful(), await sent.failed(), await sent.completedCount()]).toEqual([true, true, false, 0]);
});

test('a chain without steps gives null when it is sent, with an app or without', async () => {
  const app = newApp();
  expect(await (await chain().delay()).get()).toBe(null);
  expect(await (await chain().applyAsync()).state()).toBe('SUCCESS');
  const [result] = await app.sendMany([chain()] as never[]);
  expect(await (result as unknown as { get(): Promise<unknown> }).get()).toBe(null);
});

test('a signature of no app is sent by the app of the task that runs', async () => {
  const app = newApp();
  const add = app.task('add', (x: number, y: number) => x + y);
  const outer = app.task('outer', async () => {
    const revived = await Signature.from(JSON.parse(JSON.stringify(add.s(1, 2)))).delay();
    const bare = await signature('add', { args: [3, 4] }).apply();
    const frozen = group([signature('add', { args: [3, 4] })]).freeze().result;
    return [await revived.get(), await bare.get(), typeof frozen.id];
  });
  expect(await (await outer.delay()).get()).toEqual([3, 7, 'string']);
});

test('with taskAllowErrorCbOnChordHeader a failed part of a header calls errbacks of its chord, and of a chain around it, with its own id', async () => {
  const app = new Celery('shop', { broker: 'memory://', backend: 'memory://', log: silentLogger, taskAllowErrorCbOnChordHeader: true });
  const told: string[] = [];
  const fail = app.task('fail', (): number => {
    throw new Error('never');
  });
  const total = app.task('total', (numbers: number[]) => numbers.length);
  const next = app.task('next', (count: number) => count);
  const tell = app.task('tell', (id: string) => void told.push(id));
  await using made = createTestApp({ from: app });
  const failing = () => chord([fail.s().set({ taskId: 'part' })], total.s().set({ taskId: 'body' }));
  for (const workflow of [failing().onError(tell.s()), chain(failing(), next.s()).onError(tell.s())]) {
    await workflow.delay();
    await made.drain();
    expect(told.splice(0).toSorted()).toEqual(['body', 'part']);
  }
});

test('a signature of no app says outside of tasks what to do', async () => {
  await expect(Signature.from({ task: 'add', args: [1, 2] }).delay()).rejects.toThrow(/belongs to no app.*app\.signature\(\)/);
});

test('a kind of signature that is registered is revived, alone and inside of others', async () => {
  const app = newApp();
  const add = app.task('add', (x: number, y: number) => x + y);
  Signature.register('shop-twice', (data) => chain(add.s(data.args[0] as number, 1), add.s(1)));
  const twice: SignatureData = { task: 'shop.twice', args: [5], kwargs: {}, options: {}, subtask_type: 'shop-twice', immutable: false };
  expect(Signature.from(twice).subtaskType).toBe('chain');
  const both = { task: 'celery.group', args: [], kwargs: { tasks: [twice, add.s(1, 1).toJSON()] }, options: {}, subtask_type: 'group', immutable: false };
  const outer = app.task('outer', async () => (await Signature.from(both).delay()).get());
  expect(await (await outer.delay()).get()).toEqual([7, 2]);
  expect(() => Signature.register('chain', () => add.s(1, 2))).toThrow(/a name of its own/);
});
