import { expect, test } from 'vitest';
import { createFakeClock } from './fake-clock.ts';

test('stands still until it is moved, and then runs what is due, in order, each at its time', async () => {
  const clock = createFakeClock(1000);
  const ran: string[] = [];
  clock.schedule(30, () => ran.push(`c ${clock.now()}`));
  clock.schedule(10, () => ran.push(`a ${clock.now()}`));
  clock.schedule(10, () => ran.push(`b ${clock.monotonic()}`));
  await clock.advance(9);
  expect(ran).toEqual([]);
  await clock.advance(21);
  expect(ran).toEqual(['a 1010', 'b 10', 'c 1030']);
  expect([clock.now(), clock.monotonic(), clock.pending]).toEqual([1030, 30, 0]);
});

test('runs timers that were set by timers on the way', async () => {
  const clock = createFakeClock(0);
  const ran: number[] = [];
  const again = (): void => {
    ran.push(clock.now());
    if (ran.length < 10) clock.schedule(5, again);
  };
  clock.schedule(5, again);
  await clock.advance(22);
  expect(ran).toEqual([5, 10, 15, 20]);
});

test('lets promises and the ends of ticks have their turn before time moves on', async () => {
  const clock = createFakeClock(0);
  const ran: string[] = [];
  const work = async (): Promise<void> => {
    await clock.sleep(5);
    await new Promise((resolve) => setImmediate(resolve));
    ran.push(`woke ${clock.now()}`);
    await clock.sleep(5);
    ran.push(`woke ${clock.now()}`);
  };
  void work();
  await clock.advance(20);
  expect(ran).toEqual(['woke 5', 'woke 10']);
});

test('a sleep ends with its signal, a timer that is disposed of never runs', async () => {
  const clock = createFakeClock();
  const abort = new AbortController();
  const sleeping = clock.sleep(100, abort.signal);
  abort.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(clock.sleep(1, abort.signal)).rejects.toThrow('enough');
  const ran: string[] = [];
  clock.schedule(5, () => ran.push('no'))[Symbol.dispose]();
  await clock.advance(10);
  expect([ran, clock.pending]).toEqual([[], 0]);
});

test('goes straight to the next timer', async () => {
  const clock = createFakeClock(0);
  clock.schedule(3_600_000, () => undefined);
  expect(await clock.next()).toBe(true);
  expect(clock.now()).toBe(3_600_000);
  expect(await clock.next()).toBe(false);
});
