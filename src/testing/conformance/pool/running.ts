import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Outcome } from '../../../execution/outcome.ts';
import type { JsonObject } from '../../../protocol/json.ts';
import type { Case } from '../suite.ts';
import { errorOf, type Given, type PoolHarness, proveShort, until, valueOf } from './harness.ts';

/** What comes of a job, and of the calls its task makes. */
export const runningCases: readonly Case<PoolHarness>[] = [
  {
    name: 'runs a job and gives its value, started before ended',
    async run(harness) {
      const { give, heard } = await harness.open();
      const job = await give('add', [2, 2]);
      const outcome = await job.ended;
      assert.equal(valueOf(outcome), 4);
      assert.deepEqual(heard, ['started add', 'ended add']);
      const { pid, atMs } = await job.started;
      assert.ok(pid > 0 && Math.abs(Date.now() - atMs) < 60_000);
      assert.ok(outcome !== 'returned' && outcome.runtimeMs >= 0 && outcome.endsHere);
    },
  },
  {
    name: 'runs very many jobs, each once',
    async run(harness) {
      const { give } = await harness.open();
      const ended: Promise<Outcome | 'returned'>[] = [];
      for (let n = 0; n < 500; n++) ended.push((await give('add', [n, 1])).ended);
      assert.deepEqual(
        (await Promise.all(ended)).map(valueOf),
        Array.from({ length: 500 }, (_, n) => n + 1),
      );
    },
  },
  {
    name: 'reports an error as data',
    async run(harness) {
      const { run } = await harness.open();
      const outcome = await run('fail', ['out of range']);
      assert.deepEqual(errorOf(outcome), { type: 'ValueError', args: ['out of range'], module: 'builtins' });
      assert.ok(outcome.state === 'FAILURE' && outcome.error.traceback?.includes('tasks.'), 'the traceback shows where');
    },
  },
  {
    name: 'tells retry, ignore and reject from failures',
    async run(harness) {
      const { run } = await harness.open();
      const retry = await run('retry');
      assert.ok(retry.state === 'RETRY');
      const { options } = JSON.parse(retry.signatureJson) as { options: Record<string, unknown> };
      assert.equal(options['retries'], 1);
      assert.equal(options['queue'], 'celery');
      assert.equal((await run('ignore')).state, 'IGNORED');
      const reject = await run('reject');
      assert.ok(reject.state === 'REJECTED' && reject.requeue);
    },
  },
  {
    name: 'fails a task that is not registered',
    async run(harness) {
      const { run } = await harness.open();
      assert.deepEqual(errorOf(await run('unheard-of')), { type: 'NotRegistered', args: ['unheard-of'], module: 'celery.exceptions' });
    },
  },
  {
    name: 'fails a task whose value cannot travel, naming the path to it',
    async run(harness) {
      const { run } = await harness.open();
      const { type, args } = errorOf(await run('unsendable'));
      assert.equal(type, 'EncodeError');
      assert.match(JSON.stringify(args), /\$\.list\[1\]/);
    },
  },
  {
    name: 'gives a task its headers as they came, those that only AMQP has too',
    async run(harness) {
      const { run } = await harness.open();
      const odd = { wide: 2n ** 60n, at: new Date(86_400_000), bytes: new Uint8Array([255, 0, 65]), none: [NaN, Infinity], list: [{ at: new Date(0) }] };
      for (const header of [odd.wide, odd.at, odd.bytes, odd.none, odd, { __type__: 'datetime', __value__: 'no such day' }]) {
        const outcome = await run('header', ['odd'], { headers: { odd: header, plain: 1 } as unknown as JsonObject });
        assert.equal(valueOf(outcome), inspect(header, { depth: null }));
      }
    },
  },
  {
    name: 'goes on beside a job whose headers no child can be given',
    async run(harness) {
      const opened = await harness.open({ concurrency: 1 });
      const { give, run } = opened;
      if (harness.isIsolated) await proveShort(opened, 'add', [1, 1]);
      const endless = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`) as JsonObject;
      const jobs: Given[] = [];
      for (const headers of [{}, { endless }, {}]) jobs.push(await give('add', [1, 2], { headers }));
      assert.equal(valueOf(await jobs[0]!.ended), 3);
      assert.equal(valueOf(await jobs[2]!.ended), 3);
      if (harness.isIsolated) assert.equal(errorOf(await jobs[1]!.ended).type, 'EncodeError');
      else assert.equal(valueOf(await jobs[1]!.ended), 3);
      assert.equal(valueOf(await run('add', [2, 2])), 4);
    },
  },
  {
    name: 'goes on with a task whose event cannot travel',
    async run(harness) {
      const { run } = await harness.open({ concurrency: 1 });
      assert.equal(valueOf(await run('oddEvent')), 'said');
      assert.equal(valueOf(await run('add', [2, 2])), 4);
    },
  },
  {
    name: 'carries large payloads both ways',
    async run(harness) {
      const { run } = await harness.open();
      const text = 'ü'.repeat(4_000_000);
      assert.equal(valueOf(await run('size', [text])), text.length);
      assert.equal(valueOf(await run('echo', [text])), text);
    },
  },
  {
    name: 'has room for as many jobs as it is large, and says when it has room again',
    async run(harness) {
      const { pool, give } = await harness.open(harness.kind === 'solo' ? { concurrency: 1 } : { concurrency: 2 });
      const before = pool.room;
      assert.equal(before, pool.size);
      const first = await give('stubborn', [30]);
      assert.equal(pool.room, before - 1);
      let calls = 0;
      const listening = pool.onRoom(() => calls++);
      await first.ended;
      await until(() => calls > 0 && pool.room === before, 'room again');
      listening[Symbol.dispose]();
    },
  },
  {
    name: 'carries out what a task calls, in order and before its outcome',
    async run(harness) {
      const { run, heard } = await harness.open();
      assert.equal(valueOf(await run('calls')), 'called');
      const bytes = '{"__type__":"bytes","__value__":"AQI="}';
      assert.equal(heard.length, 6, heard.join());
      assert.equal(heard[0], 'started calls');
      assert.match(heard[1]!, /^save PROGRESS \{"done":1,"at":\{"__type__":"datetime"/);
      assert.ok(heard[1]!.includes('"bytes"'), bytes);
      assert.deepEqual(heard.slice(2), ['dispatch g', 'grow g 2', 'emit task-noted', 'ended calls']);
    },
  },
  {
    name: 'loses no call that a task did not await, however many',
    async run(harness) {
      const { run, heard } = await harness.open();
      assert.equal(valueOf(await run('flood', [2_500])), 2_500);
      assert.equal(heard.at(-1), 'ended flood');
      assert.deepEqual(
        heard.filter((line) => line.startsWith('dispatch')),
        Array.from({ length: 2_500 }, (_, n) => `dispatch ${n}`),
      );
    },
  },
  {
    name: 'gives the error of a call to the task that made it',
    async run(harness) {
      const { run } = await harness.open();
      assert.match(JSON.stringify(errorOf(await run('refused')).args), /no such chord/);
    },
  },
  {
    name: 'runs what follows a stored result where the task ran',
    async run(harness) {
      const { pool, give, heard } = await harness.open();
      const job = await give('hooked');
      const outcome = await job.ended;
      assert.ok(outcome !== 'returned');
      await pool.after(job.job, outcome);
      const saved = heard.find((line) => line.startsWith('save AFTER'));
      assert.ok(saved !== undefined, 'the hook was heard before after() resolved');
      const { state, ran, here } = JSON.parse(saved.slice('save AFTER '.length)) as Record<string, unknown>;
      assert.deepEqual({ state, ran, here }, { state: 'SUCCESS', ran: valueOf(outcome), here: valueOf(outcome) });
    },
  },
  {
    name: 'outlives a promise that a task forgot',
    skip: ({ isIsolated }) => (isIsolated ? undefined : 'the rejection is one of this process; the worker program listens for it'),
    async run(harness) {
      const { run, log } = await harness.open();
      assert.equal(valueOf(await run('forgetful')), 'still here');
      await until(() => log.some((line) => line.includes('nobody caught this')), 'it is logged');
    },
  },
];
