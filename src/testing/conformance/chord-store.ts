import assert from 'node:assert/strict';
import type { ChordArrival, ChordPart, ChordStore } from '../../backends/backend.ts';
import { encoded } from '../../protocol/json-text.ts';
import type { Value } from '../../protocol/json.ts';
import type { SignatureData } from '../../protocol/signature.ts';
import { type BackendHarness, type OpenBackend, until, whileTimePasses } from './backend/harness.ts';
import { type Case, describeCases, type TestFramework } from './suite.ts';

/** What `ChordStore` promises, for a backend whose `capabilities.chords` is 'store'. */
export function describeChordStore(framework: TestFramework, name: string, createHarness: () => Promise<BackendHarness>): void {
  describeCases(framework, `${name} as a chord store`, chordCases, createHarness);
}

async function openChords(harness: BackendHarness, options?: OpenBackend): Promise<ChordStore> {
  const { chords } = await harness.open(options);
  assert(chords !== undefined, "a backend whose capabilities.chords is 'store' must have `chords`");
  return chords;
}

const part = (index: number | null, value: Value = index, taskId = `t${index}`): ChordPart => ({ index, taskId, status: 'SUCCESS', result: encoded(value) });
const valuesOf = (arrival: ChordArrival): readonly Value[] => (arrival.kind === 'mine' ? arrival.parts.map((one) => one.result.value()) : []);

function mine(arrival: ChordArrival): Extract<ChordArrival, { kind: 'mine' }> {
  assert.equal(arrival.kind, 'mine');
  return arrival as Extract<ChordArrival, { kind: 'mine' }>;
}

const body: SignatureData = {
  task: 'proj.tsum',
  args: [1, 'ä'],
  kwargs: { x: null },
  options: { task_id: 'body-id', queue: 'q' },
  subtask_type: null,
  immutable: false,
};

export const chordCases: readonly Case<BackendHarness>[] = [
  {
    // features: 4-105 5-072
    name: 'the last part gets all parts, in the order of the header',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 4, body);
      for (const index of [2, 0, 3]) assert.equal((await chords.arrive('g', part(index))).kind, 'counted');
      const arrival = mine(await chords.arrive('g', part(1)));
      assert.deepEqual(
        arrival.parts.map((one) => [one.index, one.taskId, one.status, one.result.value()]),
        [0, 1, 2, 3].map((n) => [n, `t${n}`, 'SUCCESS', n]),
      );
    },
  },
  {
    name: 'parts keep their values and states, and stand in order of numbers, not of digits',
    async run(harness) {
      const chords = await openChords(harness);
      const values: readonly Value[] = [null, 'ü "x"', [1, [2]], { a: 1n << 70n }, '', 5, 6, 7, 8, 9, 10, 11];
      await chords.open('g', values.length, body);
      const failure: ChordPart = { index: 5, taskId: 't5', status: 'FAILURE', result: encoded({ exc_type: 'KeyError' }) };
      const arrivals: ChordArrival[] = [];
      for (const [n, value] of [...values.entries()].toReversed()) arrivals.push(await chords.arrive('g', n === 5 ? failure : part(n, value)));
      const { parts } = mine(arrivals.at(-1)!);
      assert.deepEqual(
        parts.map((one) => one.index),
        values.map((_, n) => n),
      );
      assert.deepEqual(
        parts.map((one) => one.result.value()),
        values.map((value, n) => (n === 5 ? { exc_type: 'KeyError' } : value)),
      );
      assert.equal(parts[5]!.status, 'FAILURE');
    },
  },
  {
    name: 'parts without an index are counted, and come last',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 3, body);
      await chords.arrive('g', part(null, 'x', 'a'));
      await chords.arrive('g', part(0, 'first'));
      const arrival = await chords.arrive('g', part(null, 'y', 'b'));
      assert.equal(valuesOf(arrival)[0], 'first');
      assert.deepEqual(valuesOf(arrival).slice(1).toSorted(), ['x', 'y']);
    },
  },
  {
    // features: 4-101
    name: 'a part that comes again is counted once, whatever it brings',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 2, body);
      for (let n = 0; n < 3; n++) assert.equal((await chords.arrive('g', part(0, `run ${n}`))).kind, 'counted');
      assert.equal((await chords.arrive('g', { ...part(0), status: 'FAILURE' })).kind, 'counted');
      assert.deepEqual(valuesOf(await chords.arrive('g', part(1))), ['run 0', 1]);
    },
  },
  {
    name: 'one task at two places of the header is two parts',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 2, body);
      assert.equal((await chords.arrive('g', part(0, 'x', 'same'))).kind, 'counted');
      assert.deepEqual(valuesOf(await chords.arrive('g', part(1, 'x', 'same'))), ['x', 'x']);
    },
  },
  {
    name: 'of many that arrive at once, exactly one gets the chord',
    async run(harness) {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openChords(harness)));
      for (let round = 0; round < 10; round++) {
        const group = `g${round}`;
        await stores[0]!.open(group, 24, body);
        const arrivals = await Promise.all(Array.from({ length: 24 }, (_, n) => stores[n % 4]!.arrive(group, part(n))));
        const winners = arrivals.filter((one) => one.kind === 'mine');
        assert.equal(winners.length, 1);
        assert.deepEqual(
          valuesOf(winners[0]!),
          Array.from({ length: 24 }, (_, n) => n),
        );
        assert.equal(arrivals.filter((one) => one.kind === 'counted').length, 23);
      }
    },
  },
  {
    name: 'the last part, come again many times at once, is one winner; the others are to come again',
    async run(harness) {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openChords(harness)));
      await stores[0]!.open('g', 1, body);
      const arrivals = await Promise.all(Array.from({ length: 12 }, (_, n) => stores[n % 4]!.arrive('g', part(0))));
      assert.equal(arrivals.filter((one) => one.kind === 'mine').length, 1);
      for (const one of arrivals) if (one.kind !== 'mine') assert.equal(one.kind, 'busy');
    },
  },
  {
    name: 'chords are kept apart',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 1, body);
      await chords.open('h', 2, body);
      assert.equal((await chords.arrive('h', part(0))).kind, 'counted');
      assert.equal((await chords.arrive('g', part(0))).kind, 'mine');
    },
  },
  {
    name: 'parts that are faster than `open` are counted',
    async run(harness) {
      const chords = await openChords(harness);
      assert.equal((await chords.arrive('g', part(0))).kind, 'counted');
      await chords.open('g', 2, body);
      assert.deepEqual(valuesOf(await chords.arrive('g', part(1))), [0, 1]);
    },
  },
  {
    // features: 4-102 4-113
    name: 'a chord that has grown waits for the added parts',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 2, body);
      await chords.grow('g', 1);
      await chords.grow('g', 2);
      for (const index of [0, 1, 2, 3]) assert.equal((await chords.arrive('g', part(index))).kind, 'counted');
      assert.equal(valuesOf(await chords.arrive('g', part(4))).length, 5);
    },
  },
  {
    name: 'once closed, a chord ignores every part',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 2, body);
      await chords.arrive('g', part(0));
      const { claim } = mine(await chords.arrive('g', part(1)));
      assert.equal(await claim.extend(20_000), true);
      await claim.close();
      for (const index of [0, 1, 2]) assert.equal((await chords.arrive('g', part(index))).kind, 'closed');
      assert.equal(await claim.extend(20_000), false);
    },
  },
  {
    name: 'once failed, no part completes a chord',
    async run(harness) {
      const chords = await openChords(harness);
      await chords.open('g', 2, body);
      await chords.arrive('g', part(0));
      const { claim } = mine(await chords.arrive('g', part(1)));
      await claim.fail();
      for (const index of [0, 1]) {
        const { kind } = await chords.arrive('g', part(index));
        assert(kind === 'closed' || kind === 'counted', `a failed chord was given away again: ${kind}`);
      }
    },
  },
  {
    name: 'a claim whose holder died is taken over when it lapses, by one',
    async run(harness) {
      const [dead, ...others] = [await openChords(harness), await openChords(harness), await openChords(harness)];
      await dead!.open('g', 2, body);
      await dead!.arrive('g', part(0));
      const first = mine(await dead!.arrive('g', part(1)));
      const waiting = await others[0]!.arrive('g', part(1));
      assert.equal(waiting.kind, 'busy');
      assert(waiting.kind === 'busy' && waiting.retryInMs > 0);
      const takeovers: ChordArrival[] = [];
      await until(
        harness,
        async () => {
          const arrivals = await Promise.all(others.map((store) => store.arrive('g', part(1))));
          takeovers.push(...arrivals.filter((one) => one.kind === 'mine'));
          return takeovers.length > 0;
        },
        15_000,
      );
      assert.equal(takeovers.length, 1);
      assert.deepEqual(valuesOf(takeovers[0]!), [0, 1]);
      assert.equal(await first.claim.extend(20_000), false);
      await first.claim.close();
      assert.equal((await others[0]!.arrive('g', part(1))).kind, 'busy');
      await mine(takeovers[0]!).claim.close();
      assert.equal((await others[0]!.arrive('g', part(1))).kind, 'closed');
    },
  },
  {
    name: 'a claim that is extended is not taken over; one that lapsed unnoticed may be extended again',
    async run(harness) {
      const [store, other] = [await openChords(harness), await openChords(harness)];
      await store.open('g', 1, body);
      const { claim } = mine(await store.arrive('g', part(0)));
      assert.equal(await claim.extend(9000), true);
      await harness.elapse(6500);
      assert.equal((await other.arrive('g', part(0))).kind, 'busy');
      await harness.elapse(3500);
      assert.equal(await claim.extend(9000), true);
      assert.equal((await other.arrive('g', part(0))).kind, 'busy');
    },
  },
  {
    name: 'a chord whose parts vanished is overdue, once, with its body, its size and the parts that came',
    async run(harness) {
      const options: OpenBackend = { chordExpiresMs: 1000 };
      const stores = [await openChords(harness, options), await openChords(harness, options)] as const;
      for (const group of ['gone', 'done', 'failed']) {
        await stores[0].open(group, 2, body);
        await stores[0].arrive(group, part(0));
      }
      await mine(await stores[0].arrive('done', part(1))).claim.close();
      await mine(await stores[0].arrive('failed', part(1))).claim.fail();
      const lasting = await openChords(harness, { chordExpiresMs: null });
      await lasting.open('lasting', 2, body);
      assert.deepEqual(await stores[0].overdue(10), []);
      await harness.elapse(1300);
      const late = (await whileTimePasses(harness, Promise.all(stores.map((store) => store.overdue(10))))).flat();
      assert.deepEqual(
        late.map((one) => one.groupId),
        ['gone'],
      );
      assert.deepEqual({ ...late[0]!.body }, { ...body });
      assert.equal(late[0]!.size, 2);
      const { taskId, index } = part(0);
      assert.deepEqual(
        late[0]!.arrived.map((one) => ({ taskId: one.taskId, index: one.index })),
        [{ taskId, index }],
      );
      assert.deepEqual(await stores[1].overdue(10), []);
      const { kind } = await stores[1].arrive('gone', part(1));
      assert(kind === 'closed' || kind === 'counted');
    },
  },
  {
    name: 'overdue chords are taken a few at a time',
    async run(harness) {
      const chords = await openChords(harness, { chordExpiresMs: 1000 });
      for (let n = 0; n < 5; n++) await chords.open(`g${n}`, 2, body);
      await harness.elapse(1300);
      const taken = [await chords.overdue(2), await chords.overdue(2), await chords.overdue(2), await chords.overdue(2)];
      assert.deepEqual(
        taken.map((some) => some.length),
        [2, 2, 1, 0],
      );
      assert.deepEqual(
        taken
          .flat()
          .map((one) => one.groupId)
          .toSorted(),
        ['g0', 'g1', 'g2', 'g3', 'g4'],
      );
    },
  },
];
