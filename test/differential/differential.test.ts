// Random workflows in four pairs of producer and worker: what came of each must be what comes of it between Celery's own two.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rabbitVhost } from '../support/rabbitmq.ts';
import type { Urls } from '../interop/processes.ts';
import { differences, isMeasure, smallest } from './difference.ts';
import { startRig, type Language, type Rig } from './rig.ts';
import { CI_SEEDS, treeOf } from './grow.ts';
import { Account } from './account.ts';
import { show, type Tree } from './trees.ts';
import type { Outcome } from './outcome.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const vhost = python === undefined || redis === undefined ? undefined : await rabbitVhost();
/** How many trees, and from which seed on: few of them in `npm test`, many by `npm run differential`. */
const count = Number(process.env['DIFFERENTIAL_TREES'] ?? CI_SEEDS.count);
const first = Number(process.env['DIFFERENTIAL_SEED'] ?? CI_SEEDS.first);
/** Batches go on side by side, as many as vitest allows (5): of so few trees that no worker's queue holds more than it can do well within the patience of a run. */
const BATCH = 20;
/** Of so many seeds that differ a smaller tree is looked for. */
const MAX_SEARCHED = 5;
const roads: readonly { readonly name: string; readonly urls: Urls | undefined }[] = [
  { name: 'Redis', urls: redis === undefined ? undefined : { broker: `${redis}/6`, backend: `${redis}/7` } },
  { name: 'RabbitMQ with results in Redis', urls: vhost === undefined ? undefined : { broker: vhost.url, backend: `${redis}/7` } },
];
const pairs: readonly (readonly [Language, Language])[] = [
  ['ts', 'ts'],
  ['ts', 'py'],
  ['py', 'ts'],
];
const name = { ts: 'TypeScript', py: 'Python' };

if (count === 0) {
  test.skip('differential: DIFFERENTIAL_TREES is 0', () => undefined);
} else if (redis === undefined || python === undefined) {
  test.skip('differential: CELERIAC_TEST_REDIS or CELERIAC_TEST_PYTHON are not set (npm test sets them where it can)', () => undefined);
} else {
  describe('random workflows', { timeout: 900_000 }, () => {
    /** Celery's own two, with a broker to themselves: there it can be seen when nothing is left to do. */
    let celery: Rig;
    const rigs = new Map<string, Rig>();
    const account = new Account(first, count);
    /** Seeds whose differences were looked for in smaller trees, too: all others wait for Celery meanwhile. */
    const searched = new Set<number>();
    beforeAll(async () => {
      const starts = roads.flatMap(({ name: road, urls }) => (urls === undefined ? [] : [startRig(urls, python).then((rig) => rigs.set(road, rig))]));
      [celery] = await Promise.all([startRig({ broker: `${redis}/4`, backend: `${redis}/7` }, python, ['py']), ...starts]);
    }, 120_000);
    afterAll(async () => {
      await Promise.all([celery, ...rigs.values()].map((rig) => rig?.stop()));
      process.stdout.write(account.text());
    });

    /** What one pair makes of trees that Celery has run, and which of it is another end. */
    async function compared(road: string, [from, to]: readonly [Language, Language], known: readonly Known[]): Promise<readonly string[]> {
      const rig = rigs.get(road)!;
      const pair = { celery, rig, from, to };
      const measured = known.filter(({ oracle }) => isMeasure(oracle, pair));
      const [trees, oracle] = [measured.map(({ tree }) => tree), measured.map((each) => each.oracle)];
      const outcomes = await rig.run(trees, from, to, oracle);
      const wrong: string[] = [];
      for (const [index, { seed, tree }] of measured.entries()) {
        const first = differences(oracle[index]!, outcomes[index]!, pair);
        account.compared(`${name[from]} to ${name[to]} over ${road}`);
        if (wrong.length === 3 || first.length === 0) continue;
        const where = `seed ${seed}, ${name[from]} to ${name[to]} over ${road}`;
        process.stdout.write(`differential: ${where}: it differs, is it so again? ${show(tree)}\n  ${first.join('\n  ')}\n`);
        const searchMs = searched.has(seed) || searched.size >= MAX_SEARCHED ? 0 : 60_000;
        searched.add(seed);
        const small = await smallest(tree, pair, undefined, searchMs);
        // A difference that does not show again was Celery's other mind, or a machine that stood still for longer than we wait: few may be that.
        if (small === undefined) account.notAgain(`${where}: ${show(tree)}\n  ${first.join('\n  ')}`);
        else wrong.push(`${where}: ${show(small.tree)}\n  ${small.differences.join('\n  ')}`);
      }
      return wrong;
    }

    for (let seed = first; seed < first + count; seed += BATCH)
      // features: 4-002 4-003 4-004 4-005 4-006 4-007 4-044 4-045 4-046 4-047 4-048 4-049 4-050 4-051 4-052 4-055 4-057 4-058 4-059 4-061 4-063 4-067 4-069 4-076 4-092 4-097 4-098 4-101 4-124 4-125 4-129 4-132 4-134 4-135 4-145 5-005 5-008
      test.concurrent(`seeds ${seed} to ${Math.min(seed + BATCH, first + count) - 1}`, async () => {
        const seeds = Array.from({ length: Math.min(BATCH, first + count - seed) }, (_, index) => seed + index);
        const trees = seeds.map(treeOf);
        const oracle = await celery.run(trees, 'py', 'py');
        // Where Celery differs from itself, over the other broker or a second time, it is no measure.
        const again = await [...rigs.values()].at(-1)!.run(trees, 'py', 'py', oracle);
        const known = seeds.map((each, index): Known => ({ seed: each, tree: trees[index]!, oracle: oracle[index]! }));
        const sure = known.filter((_, index) => differences(oracle[index]!, again[index]!, { from: 'py', to: 'py' }).length === 0);
        const wrong = (await Promise.all([...rigs.keys()].flatMap((road) => pairs.map((pair) => compared(road, pair, sure))))).flat();
        const endless = sure.filter((each) => !isMeasure(each.oracle, { from: 'py', to: 'py' })).length;
        const line = account.done(new Map(seeds.map((each, index) => [each, trees[index]!])), { unsure: seeds.length - sure.length, endless, wrong });
        process.stdout.write(`${line}\n`);
        expect(seeds.length - sure.length, 'trees on which Celery differs from itself').toBeLessThanOrEqual(2 + BATCH * 0.05);
        expect(wrong.join('\n\n')).toBe('');
      });

    test('differences that do not show again are few', () => {
      expect(account.once.length, account.text()).toBeLessThanOrEqual(account.mostOnce);
    });
  });
}

interface Known {
  readonly seed: number;
  readonly tree: Tree;
  readonly oracle: Outcome;
}
