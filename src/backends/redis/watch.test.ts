import { expect, test } from 'vitest';
import { encoded } from '../../protocol/json-text.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { TaskState } from '../../protocol/states.ts';
import { ResultWatch, type Subscription, type WatchListener } from './watch.ts';

const meta = (task_id: string, status: TaskState = 'SUCCESS', result: string | null = null): ResultMeta => ({
  task_id,
  status,
  result: encoded(result),
  traceback: null,
  children: [],
  date_done: null,
});

/** A feed as the store has it, whose answers and losses are in the test's hands. */
function world(ids: readonly string[], { states = 'final' as 'final' | 'all', loads = [] as readonly ResultMeta[] } = {}) {
  const ending = new AbortController();
  const subscriptions: { listener: WatchListener; isLost: boolean; isDisposed: boolean; lose(): void }[] = [];
  const world = {
    ending,
    subscriptions,
    stored: Promise.resolve([]) as Promise<readonly ResultMeta[]> | undefined,
    loaded: 0,
    watch: undefined as unknown as ResultWatch,
  };
  world.watch = new ResultWatch(ids, {
    states,
    signal: ending.signal,
    subscribe: (_, listener) => {
      const subscription = {
        listener,
        isLost: false,
        isDisposed: false,
        lose() {
          subscription.isLost = true;
          if (!subscription.isDisposed) listener.lost();
        },
      };
      subscriptions.push(subscription);
      const handed: Subscription = {
        stored: world.stored,
        get isLost() {
          return subscription.isLost;
        },
        [Symbol.dispose]: () => void (subscription.isDisposed = true),
      };
      return Promise.resolve(handed);
    },
    load: () => {
      world.loaded += 1;
      return Promise.resolve(loads);
    },
  });
  return world;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('nothing is asked before somebody wants to know', async () => {
  const { watch, subscriptions } = world(['a']);
  await turn();
  expect(subscriptions).toHaveLength(0);
  await watch.return();
  expect(await watch.next()).toEqual({ done: true, value: undefined });
  expect(subscriptions).toHaveLength(0);
});

test('what is heard before the subscription is answered ends it, and nothing stays behind', async () => {
  const { watch, subscriptions } = world(['a']);
  const next = watch.next();
  subscriptions[0]!.listener.hear(() => meta('a'));
  expect((await next).value).toMatchObject({ task_id: 'a' });
  await turn();
  expect(subscriptions[0]!.isDisposed).toBe(true);
  expect(await watch.next()).toEqual({ done: true, value: undefined });
});

test('what was there already is told, once, also when it is heard as well', async () => {
  const own = world(['a', 'b']);
  own.stored = Promise.resolve([meta('a')]);
  const { watch, subscriptions } = own;
  expect((await watch.next()).value).toMatchObject({ task_id: 'a' });
  const next = watch.next();
  subscriptions[0]!.listener.hear(() => meta('a'));
  subscriptions[0]!.listener.hear(() => meta('b'));
  expect((await next).value).toMatchObject({ task_id: 'b' });
});

test('a subscription that is lost is followed by another, which looks too', async () => {
  const { watch, subscriptions } = world(['a']);
  const next = watch.next();
  await turn();
  subscriptions[0]!.lose();
  await turn();
  expect(subscriptions.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  subscriptions[1]!.listener.hear(() => meta('a'));
  expect((await next).done).toBe(false);
});

test('one that is lost before it is here is followed by another as well', async () => {
  const { watch, subscriptions } = world(['a']);
  const next = watch.next();
  subscriptions[0]!.lose();
  await turn();
  expect(subscriptions).toHaveLength(2);
  subscriptions[1]!.listener.hear(() => meta('a'));
  expect((await next).done).toBe(false);
});

test('where the connection that listens cannot say what was there, the other one is asked', async () => {
  const own = world(['a'], { loads: [meta('a')] });
  own.stored = Promise.reject(new Error('lost'));
  expect((await own.watch.next()).value).toMatchObject({ task_id: 'a' });
  expect(own.loaded).toBe(1);
});

test('what is read and cannot be decoded fails who waits, and it is over', async () => {
  const { watch, subscriptions } = world(['a']);
  const next = watch.next();
  await turn();
  subscriptions[0]!.listener.hear(() => {
    throw new Error('no meta');
  });
  await expect(next).rejects.toThrow('no meta');
  expect(subscriptions[0]!.isDisposed).toBe(true);
  expect((await watch.next()).done).toBe(true);
});

test('an abort ends it for all who wait, and for what comes later', async () => {
  const { watch, subscriptions, ending } = world(['a']);
  const waiting = [watch.next(), watch.next()];
  await turn();
  ending.abort();
  expect((await Promise.all(waiting)).every(({ done }) => done)).toBe(true);
  subscriptions[0]!.listener.hear(() => meta('a'));
  expect((await watch.next()).done).toBe(true);
  expect(subscriptions[0]!.isDisposed).toBe(true);
});

test('a state that has not changed is told once, and an end pushes it aside', async () => {
  const { watch, subscriptions } = world(['a'], { states: 'all' });
  const first = watch.next();
  const { listener } = subscriptions[0]!;
  listener.hear(() => meta('a', 'STARTED'));
  expect((await first).value).toMatchObject({ status: 'STARTED' });
  listener.hear(() => meta('a', 'STARTED'));
  listener.hear(() => meta('a', 'PROGRESS', 'half'));
  listener.hear(() => meta('a'));
  expect((await watch.next()).value).toMatchObject({ status: 'SUCCESS' });
  expect((await watch.next()).done).toBe(true);
});

test('several who wait are served in order', async () => {
  const { watch, subscriptions } = world(['a', 'b']);
  const both = [watch.next(), watch.next()];
  subscriptions[0]!.listener.hear(() => meta('b'));
  subscriptions[0]!.listener.hear(() => meta('a'));
  expect((await Promise.all(both)).map(({ value }) => value?.task_id)).toEqual(['b', 'a']);
});
