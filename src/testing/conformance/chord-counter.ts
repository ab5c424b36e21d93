import assert from 'node:assert/strict';
import type { ChordCounter } from '../../backends/backend.ts';
import type { BackendHarness } from './backend/harness.ts';
import { type Case, describeCases, type TestFramework } from './suite.ts';

/** What `ChordCounter` promises, for a backend whose `capabilities.chords` is 'counter'. */
export function describeChordCounter(framework: TestFramework, name: string, createHarness: () => Promise<BackendHarness>): void {
  describeCases(framework, `${name} as a counter of chords`, counterCases, createHarness);
}

async function openCounter(harness: BackendHarness): Promise<ChordCounter> {
  const { counter } = await harness.open();
  assert(counter !== undefined, "a backend whose capabilities.chords is 'counter' must have `counter`");
  return counter;
}

const counterCases: readonly Case<BackendHarness>[] = [
  {
    name: 'what is not there yet is nothing, and each group has a number of its own',
    async run(harness) {
      const counter = await openCounter(harness);
      for (const sum of [1, 2, 3]) assert.equal(await counter.increment('g'), sum);
      assert.equal(await counter.increment('h'), 1);
    },
  },
  {
    name: 'of many that count at once each gets a sum of its own',
    async run(harness) {
      const counters = await Promise.all(Array.from({ length: 4 }, () => openCounter(harness)));
      await counters[0]!.reset('g');
      const sums = await Promise.all(Array.from({ length: 40 }, (_, n) => counters[n % 4]!.increment('g')));
      assert.deepEqual(
        sums.toSorted((a, b) => a - b),
        Array.from({ length: 40 }, (_, n) => n + 1),
      );
    },
  },
  {
    name: 'begins anew when it is set back, also where there was none',
    async run(harness) {
      const counter = await openCounter(harness);
      for (const _ of [1, 2]) await counter.increment('g');
      for (const group of ['g', 'new']) {
        await counter.reset(group);
        assert.equal(await counter.increment(group), 1);
      }
    },
  },
];
