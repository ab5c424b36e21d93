import assert from 'node:assert/strict';
import { encodedText } from '../../../protocol/json-text.ts';
import type { Value } from '../../../protocol/json.ts';
import type { Case } from '../suite.ts';
import { type BackendHarness, metaOf, stateOf } from './harness.ts';

/** What is stored, what stays, what goes. */
export const savingCases: readonly Case<BackendHarness>[] = [
  {
    // features: 5-015 5-067
    name: 'a task of which nothing is stored is undefined',
    async run(harness) {
      const backend = await harness.open();
      assert.equal(await backend.load('unknown'), undefined);
    },
  },
  {
    // features: 5-056 5-075
    name: 'a meta is loaded as it was saved, by any connection',
    async run(harness) {
      const [writer, reader] = [await harness.open(), await harness.open()];
      const meta = metaOf(
        't1',
        'FAILURE',
        { exc_type: 'ValueError', exc_message: ['ä "quoted" \\ 🌍'], exc_module: 'builtins' },
        {
          traceback: 'Traceback (most recent call last):\n  "x"',
          children: [
            [['c1', null], null],
            [['g1', null], [[['c2', null], null]]],
          ],
          group_id: 'g',
          parent_id: 'p',
          extended: { name: 'proj.add', args: [1, 'ß'], kwargs: { x: null }, retries: 2, queue: 'celery' },
        },
      );
      await writer.save(meta);
      const loaded = await reader.load('t1');
      assert(loaded !== undefined);
      assert.deepEqual({ ...loaded, result: loaded.result.value() }, { ...meta, result: meta.result.value() });
    },
  },
  {
    name: 'every kind of value comes back',
    async run(harness) {
      const backend = await harness.open();
      const values: readonly Value[] = [
        null,
        true,
        false,
        0,
        -1.5,
        '',
        'null',
        '"',
        '\u0000',
        'ü',
        [],
        {},
        [[[]]],
        { a: { b: [1, null] } },
        2n ** 70n,
        'x'.repeat(1_200_000),
      ];
      for (const [n, value] of values.entries()) await backend.save(metaOf(`t${n}`, 'SUCCESS', value));
      for (const [n, value] of values.entries()) assert.deepEqual(await stateOf(backend, `t${n}`), ['SUCCESS', value]);
    },
  },
  {
    name: 'saves of one tick are all stored, those of one task in their order',
    async run(harness) {
      const backend = await harness.open();
      const saves: Promise<void>[] = [];
      for (let n = 0; n < 700; n++) {
        saves.push(backend.save(metaOf(`t${n}`, 'STARTED')));
        saves.push(backend.save(metaOf(`t${n}`, 'RETRY', n)));
      }
      await Promise.all(saves);
      for (const n of [0, 1, 350, 699]) assert.deepEqual(await stateOf(backend, `t${n}`), ['RETRY', n]);
    },
  },
  {
    // features: 5-061
    name: 'a stored SUCCESS stays, whatever is saved after it',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('t', 'SUCCESS', 1));
      for (const state of ['FAILURE', 'RETRY', 'STARTED', 'REVOKED', 'SUCCESS', 'PROGRESS']) await backend.save(metaOf('t', state, 2));
      assert.deepEqual(await stateOf(backend, 't'), ['SUCCESS', 1]);
      await Promise.all([backend.save(metaOf('u', 'SUCCESS', 1)), backend.save(metaOf('u', 'FAILURE', 2))]);
      assert.deepEqual(await stateOf(backend, 'u'), ['SUCCESS', 1]);
    },
  },
  {
    name: 'any other state may be overwritten, in the order of the calls',
    async run(harness) {
      const backend = await harness.open();
      for (const state of ['PENDING', 'STARTED', 'PROGRESS', 'RETRY', 'FAILURE', 'STARTED', 'REVOKED', 'FAILURE', 'SUCCESS']) {
        await backend.save(metaOf('t', state, state));
        assert.deepEqual(await stateOf(backend, 't'), [state, state]);
      }
    },
  },
  {
    name: 'words inside a result are not mistaken for its state',
    async run(harness) {
      const backend = await harness.open();
      await backend.save(metaOf('t', 'FAILURE', '{"status": "SUCCESS"'));
      await backend.save(metaOf('u', 'RETRY', { status: 'SUCCESS' }));
      await backend.save(metaOf('v', 'STARTED', null, { result: encodedText('{"status":"SUCCESS"}') }));
      for (const id of ['t', 'u', 'v']) {
        await backend.save(metaOf(id, 'REVOKED', 'new'));
        assert.deepEqual(await stateOf(backend, id), ['REVOKED', 'new']);
      }
    },
  },
  {
    name: 'with `over`, a meta is written only over one of those states, or over nothing',
    async run(harness) {
      const backend = await harness.open();
      const over = ['PENDING', 'RECEIVED', 'RETRY', 'REJECTED'];
      const expected: Readonly<Record<string, string>> = {
        PENDING: 'REVOKED',
        RECEIVED: 'REVOKED',
        RETRY: 'REVOKED',
        REJECTED: 'REVOKED',
        STARTED: 'STARTED',
        FAILURE: 'FAILURE',
        SUCCESS: 'SUCCESS',
        PROGRESS: 'PROGRESS',
      };
      await backend.save(metaOf('none', 'REVOKED', 'x'), { over });
      assert.deepEqual(await stateOf(backend, 'none'), ['REVOKED', 'x']);
      for (const [before, after] of Object.entries(expected)) {
        await backend.save(metaOf(before, before));
        await backend.save(metaOf(before, 'REVOKED'), { over });
        assert.equal((await stateOf(backend, before))?.[0], after);
      }
      await Promise.all([backend.save(metaOf('tick', 'STARTED')), backend.save(metaOf('tick', 'REVOKED'), { over })]);
      assert.equal((await stateOf(backend, 'tick'))?.[0], 'STARTED');
    },
  },
  {
    name: 'of a SUCCESS and a FAILURE saved at once by two connections, the SUCCESS remains',
    async run(harness) {
      const [a, b] = [await harness.open(), await harness.open()];
      for (let n = 0; n < 30; n++) {
        const saves = [() => a.save(metaOf(`t${n}`, 'SUCCESS', n)), () => b.save(metaOf(`t${n}`, 'FAILURE', 'late'))];
        if (n % 2 === 0) saves.reverse();
        await Promise.all(saves.map((save) => save()));
        assert.deepEqual(await stateOf(a, `t${n}`), ['SUCCESS', n]);
      }
    },
  },
  {
    // features: 5-068
    name: 'forgets many at once, and may store them again',
    async run(harness) {
      const backend = await harness.open();
      for (const id of ['a', 'b', 'c']) await backend.save(metaOf(id, 'SUCCESS', id));
      await backend.forget(['a', 'b', 'unknown']);
      await backend.forget([]);
      assert.deepEqual([await stateOf(backend, 'a'), await stateOf(backend, 'b')], [undefined, undefined]);
      assert.deepEqual(await stateOf(backend, 'c'), ['SUCCESS', 'c']);
      await backend.save(metaOf('a', 'STARTED'));
      assert.equal((await stateOf(backend, 'a'))?.[0], 'STARTED');
    },
  },
  {
    name: 'a save that nobody waits for is not lost when the backend is closed',
    async run(harness) {
      const backend = await harness.open();
      const saved = backend.save(metaOf('t', 'SUCCESS', 1));
      await backend[Symbol.asyncDispose]();
      await saved;
      assert.deepEqual(await stateOf(await harness.open(), 't'), ['SUCCESS', 1]);
    },
  },
  {
    // features: 5-068
    name: 'groups are kept apart from tasks, as trees of any depth',
    async run(harness) {
      const [writer, reader] = [await harness.open(), await harness.open()];
      const tree = [
        ['g', ['p', null]],
        [
          [['a', null], null],
          [['ß', null], [[['b', null], null]]],
        ],
      ];
      assert.equal(await reader.loadGroup('id'), undefined);
      await writer.saveGroup('id', tree);
      await writer.save(metaOf('id', 'SUCCESS', 'task'));
      assert.deepEqual(await reader.loadGroup('id'), tree);
      assert.deepEqual(await stateOf(reader, 'id'), ['SUCCESS', 'task']);
      await writer.saveGroup('id', []);
      assert.deepEqual(await reader.loadGroup('id'), []);
      await writer.forgetGroup('id');
      await writer.forgetGroup('id');
      assert.equal(await reader.loadGroup('id'), undefined);
      assert.deepEqual(await stateOf(reader, 'id'), ['SUCCESS', 'task']);
    },
  },
  {
    // features: 5-069
    name: 'what has expired is gone: results, failures after their own time, groups',
    async run(harness) {
      const backend = await harness.open({ expiresMs: 1000, failureExpiresMs: 60_000 });
      const sweep = async (): Promise<void> => void (await backend.sweep?.(new Date(8.64e15 / 2)));
      await backend.save(metaOf('good', 'SUCCESS', 1));
      await backend.save(metaOf('bad', 'FAILURE', 1));
      await backend.saveGroup('g', []);
      assert.notEqual(await backend.load('good'), undefined);
      await harness.elapse(1200);
      if (!harness.capabilities.expires) return sweep();
      assert.equal(await backend.load('good'), undefined);
      assert.equal(await backend.loadGroup('g'), undefined);
      assert.deepEqual(await stateOf(backend, 'bad'), ['FAILURE', 1]);
      await backend.save(metaOf('good', 'STARTED'));
      assert.equal((await stateOf(backend, 'good'))?.[0], 'STARTED');
    },
  },
  {
    name: 'without an expiry nothing goes; each save begins the time anew',
    async run(harness) {
      const lasting = await harness.open({ expiresMs: null, failureExpiresMs: null });
      await lasting.save(metaOf('keep', 'SUCCESS', 1));
      const backend = await harness.open({ expiresMs: 1000, failureExpiresMs: 1000 });
      await backend.save(metaOf('t', 'STARTED'));
      await harness.elapse(700);
      await backend.save(metaOf('t', 'RETRY'));
      await harness.elapse(700);
      assert.equal((await stateOf(backend, 't'))?.[0], 'RETRY');
      assert.deepEqual(await stateOf(backend, 'keep'), ['SUCCESS', 1]);
    },
  },
];
