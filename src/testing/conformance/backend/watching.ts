import assert from 'node:assert/strict';
import type { Case } from '../suite.ts';
import { type BackendHarness, gather, metaOf, never, until, whileTimePasses } from './harness.ts';

/** Waiting for results. */
export const watchingCases: readonly Case<BackendHarness>[] = [
  {
    name: 'tells at once what is final already, and ends',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('a', 'SUCCESS', 1));
      await backend.save(metaOf('b', 'FAILURE', 2));
      await backend.save(metaOf('c', 'REVOKED', 3));
      const metas = await whileTimePasses(harness, gather(backend.watch(['a', 'b', 'c'], { states: 'final', signal: never() })));
      assert.deepEqual(metas.map((meta) => [meta.task_id, meta.status, meta.result.value()]).toSorted(), [
        ['a', 'SUCCESS', 1],
        ['b', 'FAILURE', 2],
        ['c', 'REVOKED', 3],
      ]);
    },
  },
  {
    name: 'tells what becomes final, saved by another connection',
    async run(harness) {
      const [backend, worker] = [await harness.open(), await harness.open()];
      const watching = gather(backend.watch(['a', 'b'], { states: 'final', signal: never() }));
      await harness.elapse(30);
      for (const state of ['STARTED', 'RETRY', 'PROGRESS']) await worker.save(metaOf('a', state));
      await worker.save(metaOf('b', 'SUCCESS', 'b'));
      await harness.elapse(30);
      await worker.save(metaOf('a', 'SUCCESS', 'a'));
      const metas = await whileTimePasses(harness, watching);
      assert.deepEqual(
        metas.map((meta) => [meta.task_id, meta.status]),
        [
          ['b', 'SUCCESS'],
          ['a', 'SUCCESS'],
        ],
      );
    },
  },
  {
    // features: 5-073
    name: 'misses nothing that is saved in the moment in which the watch begins, and tells it once',
    async run(harness) {
      const [backend, worker] = [await harness.open(), await harness.open()];
      for (let n = 0; n < 40; n++) {
        const id = `t${n}`;
        const saving = n % 3 === 0 ? worker.save(metaOf(id, 'SUCCESS', n)) : undefined;
        const watching = gather(backend.watch([id], { states: 'final', signal: never() }));
        if (n % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
        await (saving ?? worker.save(metaOf(id, 'SUCCESS', n)));
        const metas = await whileTimePasses(harness, watching);
        assert.deepEqual(
          metas.map((meta) => [meta.task_id, meta.result.value()]),
          [[id, n]],
        );
      }
    },
  },
  {
    name: 'is not confused by results that are forgotten meanwhile, for few tasks and for many',
    async run(harness) {
      const [backend, worker] = [await harness.open(), await harness.open()];
      const many = Array.from({ length: 40 }, (_, n) => `t${n}`);
      for (const state of ['STARTED', 'PROGRESS', 'SUCCESS']) await worker.save(metaOf('other', state));
      const watching = [many, ['t0']].map((ids) => gather(backend.watch(ids, { states: 'final', signal: never() })));
      await harness.elapse(30);
      await worker.forget(['other']);
      for (const id of many) {
        await worker.save(metaOf(id, 'STARTED'));
        await worker.save(metaOf(id, 'SUCCESS', id));
      }
      const [all, one] = await whileTimePasses(harness, Promise.all(watching));
      assert.deepEqual(all!.map((meta) => meta.task_id).toSorted(), many.toSorted());
      assert.equal(one![0]!.result.value(), 't0');
    },
  },
  {
    name: 'misses nothing of tasks that run already when the newest result of all is forgotten, for few tasks and for many',
    async run(harness) {
      const [backend, worker] = [await harness.open(), await harness.open()];
      const many = Array.from({ length: 12 }, (_, n) => `t${n}`);
      for (const id of many) await worker.save(metaOf(id, 'STARTED'));
      await worker.save(metaOf('other', 'SUCCESS'));
      const watching = [many, ['t0']].map((ids) => gather(backend.watch(ids, { states: 'final', signal: never() })));
      await harness.elapse(30);
      await worker.forget(['other']);
      for (const id of many) await worker.save(metaOf(id, 'SUCCESS', id));
      const [all, one] = await whileTimePasses(harness, Promise.all(watching));
      assert.deepEqual(all!.map((meta) => meta.task_id).toSorted(), many.toSorted());
      assert.equal(one![0]!.result.value(), 't0');
    },
  },
  {
    // features: 5-073 5-099
    name: 'serves many who wait for the same task, and many tasks at once',
    async run(harness) {
      const [backend, other, worker] = [await harness.open(), await harness.open(), await harness.open()];
      const ids = Array.from({ length: 300 }, (_, n) => `t${n}`);
      const watching = [
        ...Array.from({ length: 20 }, (_, n) => gather((n % 2 === 0 ? backend : other).watch(['t7'], { states: 'final', signal: never() }))),
        gather(backend.watch(ids, { states: 'final', signal: never() })),
      ];
      await harness.elapse(30);
      await Promise.all(ids.map((id) => worker.save(metaOf(id, 'SUCCESS', id))));
      const all = await whileTimePasses(harness, Promise.all(watching));
      for (const metas of all.slice(0, -1))
        assert.deepEqual(
          metas.map((meta) => meta.task_id),
          ['t7'],
        );
      assert.deepEqual(
        all
          .at(-1)!
          .map((meta) => meta.task_id)
          .toSorted(),
        ids.toSorted(),
      );
    },
  },
  {
    name: 'an id that is named twice is told once; no ids end at once',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('a', 'SUCCESS', 1));
      const metas = await whileTimePasses(harness, gather(backend.watch(['a', 'a'], { states: 'final', signal: never() })));
      assert.equal(metas.length, 1);
      assert.deepEqual(await whileTimePasses(harness, gather(backend.watch([], { states: 'all', signal: never() }))), []);
    },
  },
  {
    name: "with 'all', tells changes in their order, and ends with the final one",
    async run(harness) {
      const [backend, worker] = [await harness.open(), await harness.open()];
      await worker.save(metaOf('t', 'PENDING'));
      const seen: string[] = [];
      const watching = (async () => {
        for await (const meta of backend.watch(['t'], { states: 'all', signal: never() })) seen.push(`${meta.status} ${String(meta.result.value())}`);
      })();
      const steps = ['STARTED 1', 'PROGRESS 2', 'PROGRESS 3', 'RETRY 4', 'SUCCESS 5'];
      // It begins with what is there: from then on a store that pushes tells all.
      await until(harness, () => seen.length > 0, 20_000);
      for (const step of steps) {
        const [state, value] = step.split(' ') as [string, string];
        await worker.save(metaOf('t', state, Number(value)));
        if (harness.capabilities.pushes) await until(harness, () => seen.at(-1) === step, 20_000);
        else await harness.elapse(600);
      }
      await whileTimePasses(harness, watching);
      const expected = ['PENDING null', ...steps];
      assert.deepEqual(harness.capabilities.pushes ? seen.slice(-steps.length) : seen.filter((one) => one !== expected[0]), steps);
      assert.deepEqual(
        seen,
        expected.filter((one) => seen.includes(one)),
      );
    },
  },
  {
    name: "with 'final', says nothing of other states",
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('t', 'STARTED'));
      const watching = gather(backend.watch(['t'], { states: 'final', signal: never() }));
      await harness.elapse(30);
      await backend.save(metaOf('t', 'RETRY'));
      await backend.save(metaOf('t', 'FAILURE', 'x'));
      assert.deepEqual(
        (await whileTimePasses(harness, watching)).map((meta) => meta.status),
        ['FAILURE'],
      );
    },
  },
  {
    name: 'an abort ends the watch: quietly, or with the reason',
    async run(harness) {
      const backend = await harness.open();
      const abort = new AbortController();
      const reason = new Error('enough');
      const watching = gather(backend.watch(['never'], { states: 'final', signal: abort.signal })).catch((error: unknown) => error);
      await harness.elapse(30);
      abort.abort(reason);
      const outcome = await whileTimePasses(harness, watching);
      assert(outcome === reason || (Array.isArray(outcome) && outcome.length === 0), `the watch ended with ${String(outcome)}`);
      const before = gather(backend.watch(['never'], { states: 'final', signal: AbortSignal.abort(reason) })).catch((error: unknown) => error);
      const second = await whileTimePasses(harness, before);
      assert(second === reason || (Array.isArray(second) && second.length === 0));
    },
  },
  {
    name: 'who leaves the watch early leaves the others undisturbed, and may come back',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('a', 'SUCCESS', 1));
      const other = gather(backend.watch(['a', 'b'], { states: 'final', signal: never() }));
      await whileTimePasses(
        harness,
        (async () => {
          for await (const meta of backend.watch(['a', 'b'], { states: 'final', signal: never() })) {
            assert.equal(meta.task_id, 'a');
            break;
          }
        })(),
      );
      const again = gather(backend.watch(['b'], { states: 'final', signal: never() }));
      await harness.elapse(30);
      await backend.save(metaOf('b', 'SUCCESS', 2));
      assert.deepEqual(
        (await whileTimePasses(harness, other)).map((meta) => meta.task_id),
        ['a', 'b'],
      );
      assert.deepEqual(
        (await whileTimePasses(harness, again)).map((meta) => meta.task_id),
        ['b'],
      );
    },
  },
  {
    name: 'a FAILURE that was overwritten by a later run is told as it stands',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('t', 'FAILURE', 1));
      await backend.save(metaOf('t', 'SUCCESS', 2));
      const metas = await whileTimePasses(harness, gather(backend.watch(['t'], { states: 'final', signal: never() })));
      assert.deepEqual(
        metas.map((meta) => meta.status),
        ['SUCCESS'],
      );
    },
  },
];
