import { afterEach, describe, expect, test } from 'vitest';
import { Celery, chain, chord, group, Ignore, OperationalError, Task, TaskFailure, Worker } from '../../src/index.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { newId } from '../../src/kernel/ids.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

/** An app of its own on a memory broker that nobody else sees. */
function newApp(options: object = {}): Celery {
  const name = newId();
  const app = new Celery('t', { broker: `memory://${name}`, backend: `memory://${name}`, log: silentLogger, ...options });
  open.push(app);
  return app;
}
async function work(app: Celery): Promise<Worker> {
  const worker = await new Worker(app, { concurrency: 4, loglevel: 'critical' }).start();
  open.push({ [Symbol.asyncDispose]: () => worker.stop() });
  return worker;
}

describe('a call', () => {
  test('travels to a worker and its value comes back', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number, y: number) => x + y);
    await work(app);
    const result = await add.delay(2, 2);
    expect(await result.get({ timeout: 5 })).toBe(4);
    expect(await result.state()).toBe('SUCCESS');
    expect(await (await app.sendTask('t.add', [3], { kwargs: { y: 4 } })).get({ timeout: 5 })).toBe(7);
  });

  test('that fails throws the error of the task, with its type', async () => {
    const app = newApp();
    class Odd extends Error {}
    app.registerError(Odd, 'shop.Odd');
    const fail = app.task('t.fail', (known: boolean) => {
      throw known ? new Odd('three') : new RangeError('too far');
    });
    await work(app);
    await expect((await fail.delay(true)).get({ timeout: 5 })).rejects.toBeInstanceOf(Odd);
    const error = await (await fail.delay(false)).get({ timeout: 5, propagate: false });
    expect(error).toMatchObject({ message: 'too far' });
  });

  // features: 4-028 4-029 4-085
  test('may link callbacks, chains, groups and chords', async () => {
    const app = newApp();
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const sum = app.task('t.sum', (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0));
    const seen: number[] = [];
    const note = app.task('t.note', (value: number) => {
      seen.push(value);
      return value;
    });
    await work(app);
    const linked = await add.applyAsync([1, 1], { link: note.s() });
    expect(await linked.get({ timeout: 5 })).toBe(2);
    await expect.poll(() => seen).toEqual([2]);
    expect(await (await chain(add.s(2, 2), add.s(4), add.s(8)).delay()).get({ timeout: 5 })).toBe(16);
    expect(await (await group([add.s(1, 1), add.s(2, 2)]).delay()).get({ timeout: 5 })).toEqual([2, 4]);
    expect(await (await chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], sum.s()).delay()).get({ timeout: 5 })).toBe(12);
    expect(
      await (
        await group([add.s(1, 1), add.s(2, 2)])
          .pipe(sum.s())
          .pipe(add.s(100))
          .delay()
      ).get({ timeout: 5 }),
    ).toBe(106);
    expect(
      await (
        await add
          .s(1, 1)
          .pipe(group([add.s(1), add.s(2)]))
          .delay()
      ).get({ timeout: 5 }),
    ).toEqual([3, 4]);
    expect(
      await (
        await add
          .starmap([
            [1, 2],
            [3, 4],
          ])
          .delay()
      ).get({ timeout: 5 }),
    ).toEqual([3, 7]);
    expect(
      await (
        await add
          .chunks(
            [
              [1, 2],
              [3, 4],
              [5, 6],
            ],
            2,
          )
          .delay()
      ).get({ timeout: 5 }),
    ).toEqual([[3, 7], [11]]);
  });

  // features: 4-069 4-065
  test('of a failed step ends its chain for whoever waits for the last', async () => {
    const app = newApp();
    const fail = app.task('t.fail', (): number => {
      throw new Error('no');
    });
    const next = app.task('t.next', (x: number) => x);
    const errors: string[] = [];
    const alarm = app.errback('t.alarm', (request, error) => void errors.push(`${request.task}: ${error.message}`));
    const byId = app.task('t.byId', (id: string) => id);
    await work(app);
    const last = await chain(fail.s(), next.s(), next.s()).delay();
    await expect(last.get({ timeout: 5 })).rejects.toThrow('no');
    const one = await fail.applyAsync([], { linkError: [alarm, byId.s()] });
    await expect(one.get({ timeout: 5 })).rejects.toThrow('no');
    await expect.poll(() => errors).toEqual(['t.fail: no']);
  });
});

describe('self', () => {
  test('knows its call, retries it, tells its progress and calls others as its children', async () => {
    const app = newApp();
    const inner = app.task('t.inner', (x: number) => x);
    const outer = app.task('t.outer', { bind: true, maxRetries: 2, defaultRetryDelay: '1ms' }, async (self, x: number) => {
      if (self.request.retries < 2) throw self.retry({ exc: new Error('again') });
      await self.progress(1, 2);
      await inner.delay(x);
      return [self.request.id, self.request.retries, self.name];
    });
    await work(app);
    const result = await outer.delay(5);
    const states: string[] = [];
    for await (const { state } of result.updates({ timeout: 5 })) states.push(state);
    expect(states.at(-1)).toBe('SUCCESS');
    expect(await result.get()).toEqual([result.id, 2, 't.outer']);
    const [child] = (await result.children()).slice(-1);
    expect(await child!.get({ timeout: 5 })).toBe(5);
    expect((await child!.meta()).status).toBe('SUCCESS');
  });

  test('may be replaced by another call, or by a group', async () => {
    const app = newApp();
    const mul = app.task('t.mul', (x: number, y: number) => x * y);
    const factorial = app.task('t.factorial', { bind: true }, (self, n: number, product = 1): number =>
      n <= 1 ? product : self.replace(self.task.s(n - 1, product * n)),
    );
    const many = app.task('t.many', { bind: true }, (self) => self.replace(group([mul.s(1, 2), mul.s(3, 4)])) as number[]);
    await work(app);
    expect(await (await factorial.delay(5)).get({ timeout: 5 })).toBe(120);
    expect(await (await many.delay()).get({ timeout: 5 })).toEqual([2, 12]);
  });

  test('of a class has its own members and hooks', async () => {
    const app = newApp();
    const heard: unknown[] = [];
    class Greet extends Task {
      override readonly name = 't.greet';
      #count = 0;
      run(name: string): string {
        this.#count += 1;
        if (name === '') throw new Ignore();
        return `${name} ${this.#count} ${this.request.task}`;
      }
      override onSuccess(result: unknown): void {
        heard.push(result, this.request.args);
      }
    }
    const greet = app.register(Greet);
    await work(app);
    expect(await (await greet.delay('Ada')).get({ timeout: 5 })).toBe('Ada 1 t.greet');
    await expect.poll(() => heard).toEqual(['Ada 1 t.greet', ['Ada']]);
  });
});

describe('without a broker', () => {
  test('a call is an OperationalError after the retry policy, and its URL shows no password', async () => {
    const app = new Celery('t', {
      broker: 'redis://:secret@127.0.0.1:1/0',
      log: silentLogger,
      taskPublishRetryPolicy: { maxRetries: 1, intervalStart: 0, intervalStep: 0, intervalMax: 0 },
    });
    open.push(app);
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const error = await add.delay(1, 2).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OperationalError);
    expect((error as Error).message).toContain('127.0.0.1:1');
    expect((error as Error).message).not.toContain('secret');
  });

  // features: 4-021 4-071 4-103
  test('apply and taskAlwaysEager run here, links and canvas too', async () => {
    const app = newApp({ taskAlwaysEager: true });
    const add = app.task('t.add', (x: number, y: number) => x + y);
    const sum = app.task('t.sum', (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0));
    const fail = app.task('t.fail', () => {
      throw new TypeError('no');
    });
    const twice = app.task('t.twice', { bind: true, maxRetries: 3 }, (self) => (self.request.retries === 0 ? self.retry() : self.request.retries));
    expect(await (await add.apply([1, 2])).get()).toBe(3);
    expect(await (await add.delay(1, 2)).get()).toBe(3);
    expect(await (await chord([add.s(1, 2), add.s(3, 4)], sum.s()).delay()).get()).toBe(10);
    expect(await (await chain(add.s(1, 2), add.s(3)).apply()).get()).toBe(6);
    expect(await (await twice.apply([])).get()).toBe(1);
    const failed = await fail.apply([]);
    expect(await failed.state()).toBe('FAILURE');
    await expect(failed.get()).rejects.toBeInstanceOf(TypeError);
    expect(failed.error).not.toBeInstanceOf(TaskFailure);
  });
});
