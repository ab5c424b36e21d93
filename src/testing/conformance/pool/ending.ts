import assert from 'node:assert/strict';
import { TaskRevokedError } from '../../../errors.ts';
import type { Case } from '../suite.ts';
import { errorOf, type Given, type PoolHarness, proveShort, until, valueOf } from './harness.ts';

const onlyIsolated = ({ isIsolated }: PoolHarness): string | undefined => (isIsolated ? undefined : 'nothing can be ended by force in one process');
const notIsolated = ({ isIsolated }: PoolHarness): string | undefined => (isIsolated ? 'children can be ended' : undefined);
/** The tasks of a pool that is not isolated run on the loop of the test. */
const FOREVER_MS = 3_600_000;

/** Limits, cancelling, killing, dying, stopping. */
export const endingCases: readonly Case<PoolHarness>[] = [
  {
    name: 'aborts the signal of a task over its soft limit',
    async run(harness) {
      const { run } = await harness.open();
      assert.equal(errorOf(await run('sleep', [FOREVER_MS], { softTimeLimitMs: 30 })).type, 'SoftTimeLimitExceeded');
    },
  },
  {
    name: 'ends or gives up a task over its hard limit, and goes on',
    async run(harness) {
      const { run, log } = await harness.open();
      const outcome = await run('stubborn', [harness.isIsolated ? FOREVER_MS : 500], { timeLimitMs: 50 });
      assert.deepEqual(errorOf(outcome), { type: 'TimeLimitExceeded', args: [0.05], module: 'billiard.exceptions' });
      assert.equal(log.filter((line) => line.startsWith('ERROR') && line.includes('stubborn')).length, 1, log.join('\n'));
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'ends a busy loop over its hard limit',
    skip: onlyIsolated,
    async run(harness) {
      const { run } = await harness.open();
      assert.equal(errorOf(await run('spin', [FOREVER_MS], { timeLimitMs: 50 })).type, 'TimeLimitExceeded');
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'ends a task that was always short and is a busy loop this time',
    skip: onlyIsolated,
    async run(harness) {
      const opened = await harness.open({ concurrency: 1 });
      const { run, give } = opened;
      await proveShort(opened, 'spin', [0]);
      const jobs: Given[] = [];
      for (const ms of [0, FOREVER_MS, 0, 0]) jobs.push(await give('spin', [ms], { timeLimitMs: 100 }));
      assert.equal(errorOf(await jobs[1]!.ended).type, 'TimeLimitExceeded');
      // Those behind it had not begun.
      assert.deepEqual(await Promise.all([jobs[2]!.ended, jobs[3]!.ended]), ['returned', 'returned']);
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'aborts the signal of a running task that is cancelled',
    async run(harness) {
      const { pool, give } = await harness.open();
      const job = await give('sleep', [FOREVER_MS]);
      await job.started;
      assert.equal(pool.cancel('no-such-task', new TaskRevokedError('terminated')), false);
      assert.equal(pool.cancel(job.id, new TaskRevokedError('terminated')), true);
      assert.equal(errorOf(await job.ended).type, 'TaskRevokedError');
    },
  },
  {
    name: 'ends a busy loop that is killed, with the signal in its outcome',
    skip: onlyIsolated,
    async run(harness) {
      const { pool, give, run } = await harness.open();
      const job = await give('spin', [FOREVER_MS]);
      const other = await give('stubborn', [300]);
      await job.started;
      assert.equal(await pool.kill('no-such-task', 'SIGTERM'), false);
      assert.equal(await pool.kill(job.id, 'SIGTERM'), true);
      const outcome = await job.ended;
      assert.ok(outcome !== 'returned' && outcome.state === 'REVOKED');
      assert.deepEqual({ reason: outcome.reason, signal: outcome.signal }, { reason: 'terminated', signal: 'SIGTERM' });
      assert.equal(valueOf(await other.ended), null);
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'gives up a task that is killed, and ignores what it still does',
    skip: notIsolated,
    async run(harness) {
      const { pool, give, heard } = await harness.open();
      const job = await give('stubborn', [60]);
      assert.equal(await pool.kill(job.id, 'SIGTERM'), false);
      const outcome = await job.ended;
      assert.ok(outcome !== 'returned' && outcome.state === 'REVOKED');
      assert.equal(pool.room, pool.size);
      await harness.elapse(100);
      assert.deepEqual(heard, ['started stubborn', 'ended stubborn']);
    },
  },
  {
    name: 'loses only what a dying child was running, and heals',
    skip: ({ kind }) => (kind === 'prefork' ? undefined : 'only a process dies of SIGKILL alone'),
    async run(harness) {
      const { run, give } = await harness.open({ concurrency: 1 });
      const doomed = await give('die');
      assert.deepEqual(errorOf(await doomed.ended), {
        type: 'WorkerLostError',
        args: ['Worker exited prematurely: signal SIGKILL.'],
        module: 'billiard.exceptions',
      });
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'hands back what a killed child had not begun, its unreported window included',
    skip: ({ kind }) => (kind === 'prefork' ? undefined : 'only a process can be killed from outside'),
    async run(harness) {
      const opened = await harness.open({ concurrency: 1 });
      const { run, give } = opened;
      await proveShort(opened, 'spin', [0]);
      const jobs: Given[] = [];
      for (const ms of [0, FOREVER_MS, 0, 0]) jobs.push(await give('spin', [ms]));
      process.kill((await jobs[1]!.started).pid, 'SIGKILL');
      assert.equal(errorOf(await jobs[1]!.ended).type, 'WorkerLostError');
      assert.deepEqual(await Promise.all([jobs[2]!.ended, jobs[3]!.ended]), ['returned', 'returned']);
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'survives a task that ends its process',
    skip: onlyIsolated,
    async run(harness) {
      const { run } = await harness.open({ concurrency: 1 });
      assert.deepEqual(errorOf(await run('exit', [3])), {
        type: 'WorkerLostError',
        args: ['Worker exited prematurely: exitcode 3.'],
        module: 'billiard.exceptions',
      });
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'runs the hooks of a task whose child is gone in another child',
    skip: onlyIsolated,
    async run(harness) {
      const { pool, give, run, heard } = await harness.open({ concurrency: 1 });
      const job = await give('hooked');
      const outcome = await job.ended;
      assert.ok(outcome !== 'returned');
      await run('exit', [0]);
      await run('add', [1, 1]);
      await pool.after(job.job, outcome);
      const { ran, here } = JSON.parse(heard.find((line) => line.startsWith('save AFTER'))!.slice('save AFTER '.length)) as Record<string, unknown>;
      assert.equal(ran, null);
      assert.notEqual(here, valueOf(outcome));
    },
  },
  {
    name: 'replaces a child after so many tasks',
    skip: onlyIsolated,
    async run(harness) {
      const { run } = await harness.open({ concurrency: 1, maxTasksPerChild: 2 });
      const places: unknown[] = [];
      for (let n = 0; n < 6; n++) places.push(valueOf(await run('place')));
      assert.deepEqual([places[0], places[2], places[4]], [places[1], places[3], places[5]]);
      assert.equal(new Set(places).size, 3);
    },
  },
  {
    name: 'replaces a child that has grown too large, when its task has ended',
    skip: onlyIsolated,
    async run(harness) {
      const { run, log } = await harness.open({ concurrency: 1, maxMemoryPerChildKb: harness.kind === 'threads' ? 120_000 : 220_000 });
      const before = valueOf(await run('place'));
      assert.equal(valueOf(await run('place')), before);
      await run('hoard', [240]);
      assert.notEqual(valueOf(await run('place')), before);
      assert.ok(log.some((line) => line.includes('has grown')));
    },
  },
  {
    name: 'grows and shrinks',
    async run(harness) {
      const { pool, give, run } = await harness.open({ concurrency: 1 });
      await pool.resize(3);
      assert.equal(pool.size, 3);
      const jobs = [await give('stubborn', [100]), await give('stubborn', [100]), await give('stubborn', [100])];
      await Promise.all(jobs.map((job) => job.started));
      await Promise.all(jobs.map((job) => job.ended));
      await pool.resize(1);
      assert.equal(pool.size, 1);
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'lets running tasks end when it is stopped warm, and takes no more',
    async run(harness) {
      const { pool, give } = await harness.open();
      const job = await give('stubborn', [50]);
      await job.started;
      const stopped = pool.stop(new AbortController().signal);
      assert.equal(pool.room, 0);
      const late = await giveTo(pool, job);
      assert.equal(await late, 'returned');
      await stopped;
      assert.equal(valueOf(await job.ended), null);
    },
  },
  {
    name: 'hands running tasks back when patience ends',
    async run(harness) {
      const { pool, give } = await harness.open();
      const job = await give('sleep', [FOREVER_MS]);
      await job.started;
      const patience = new AbortController();
      const stopped = pool.stop(patience.signal);
      patience.abort();
      await stopped;
      assert.equal(await job.ended, 'returned');
    },
  },
  {
    name: 'hands back what had not begun when it is stopped',
    skip: onlyIsolated,
    async run(harness) {
      const opened = await harness.open({ concurrency: 1 });
      const { pool, give } = opened;
      await proveShort(opened, 'spin', [0]);
      const first = await give('spin', [150]);
      const second = await give('spin', [0]);
      await first.started;
      const stopped = pool.stop(new AbortController().signal);
      assert.equal(await second.ended, 'returned');
      await stopped;
      assert.equal(valueOf(await first.ended), null);
    },
  },
  {
    name: 'recalls what has not begun, in the pool or in a child, and does not disturb what has',
    skip: onlyIsolated,
    async run(harness) {
      const opened = await harness.open({ concurrency: 1 });
      const { pool, give, run } = opened;
      await proveShort(opened, 'sleep', [0]);
      // A window of short ones in the child; the first turns out to be long, and heeds its signal. One that is not short waits in the pool.
      const first = await give('sleep', [150]);
      const behind = await give('sleep', [0]);
      const waiting = await give('stubborn', [0]);
      await first.started;
      assert.ok(pool.recall !== undefined, 'the pool keeps jobs that wait, but cannot recall them');
      pool.recall();
      assert.deepEqual(await Promise.all([behind.ended, waiting.ended]), ['returned', 'returned']);
      assert.equal(valueOf(await first.ended), null);
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
  {
    name: 'says why its children cannot start',
    skip: onlyIsolated,
    async run(harness) {
      await assert.rejects(harness.open({ appModule: 'broken' }), /this app cannot be loaded/);
    },
  },
  {
    name: 'starts again after it was stopped',
    async run(harness) {
      const { pool, run } = await harness.open();
      await pool.stop(new AbortController().signal);
      await pool.stop(new AbortController().signal);
      await pool.start();
      await until(() => pool.room > 0, 'room');
      assert.equal(valueOf(await run('add', [1, 2])), 3);
    },
  },
];

function giveTo(pool: { run(job: Given['job']): void }, { job }: Given): Promise<string> {
  return new Promise((resolve) => {
    pool.run({ ...job, onEnded: ({ state }) => resolve(state), onReturned: () => resolve('returned') });
  });
}
