// Random workflows in four pairs of producer and worker: what came of each must be what comes of it between Celery's own two.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rabbitVhost } from '../support/rabbitmq.ts';
import type { Urls } from '../interop/processes.ts';
import { differences, smallest } from './difference.ts';
import { startRig, type Language, type Rig } from './rig.ts';
import { CI_SEEDS, treeOf } from './grow.ts';
import { Account } from './account.ts';
import { show } from './trees.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const vhost = python === undefined || redis === undefined ? undefined : await rabbitVhost();
/** How many trees, and from which seed on: few of them in `npm test`, many by `npm run differential`. */
const count = Number(process.env['DIFFERENTIAL_TREES'] ?? CI_SEEDS.count);
const first = Number(process.env['DIFFERENTIAL_SEED'] ?? CI_SEEDS.first);
const batchSize = Math.max(20, Math.min(100, Math.ceil(count / 5)));
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
    const rigs = new Map<string, Rig>();
    const account = new Account();
    beforeAll(async () => {
      for (const road of roads) if (road.urls !== undefined) rigs.set(road.name, await startRig(road.urls, python));
    }, 120_000);
    afterAll(async () => {
      await Promise.all([...rigs.values()].map((rig) => rig.stop()));
      process.stdout.write(account.text());
    });

    for (let seed = first; seed < first + count; seed += batchSize)
      // features: 4-002 4-003 4-004 4-005 4-006 4-007 4-044 4-045 4-046 4-047 4-048 4-049 4-050 4-051 4-052 4-055 4-057 4-058 4-059 4-061 4-063 4-067 4-069 4-076 4-092 4-097 4-098 4-101 4-124 4-125 4-129 4-132 4-134 4-135 4-145 5-005 5-008
      test(`seeds ${seed} to ${Math.min(seed + batchSize, first + count) - 1}`, async () => {
        const trees = Array.from({ length: Math.min(batchSize, first + count - seed) }, (_, index) => treeOf(seed + index));
        const celery = rigs.get('Redis')!;
        const oracle = await celery.run(trees, 'py', 'py');
        // Where Celery differs from itself, over the other broker or a second time, it is no measure.
        const again = await [...rigs.values()].at(-1)!.run(trees, 'py', 'py', oracle);
        const isSure = trees.map((_, index) => differences(oracle[index]!, again[index]!, { from: 'py', to: 'py' }).length === 0);
        expect(isSure.filter((sure) => !sure).length, 'trees on which Celery differs from itself').toBeLessThanOrEqual(2 + batchSize * 0.05);
        account.tried(trees, isSure);
        const wrong: string[] = [];
        for (const [road, rig] of rigs)
          for (const [from, to] of pairs) {
            const outcomes = await rig.run(trees, from, to, oracle);
            for (const [index, tree] of trees.entries()) {
              if (!isSure[index]) continue;
              const first = differences(oracle[index]!, outcomes[index]!, { from, to });
              account.compared(`${name[from]} to ${name[to]} over ${road}`);
              if (wrong.length === 3 || first.length === 0) continue;
              const small = await smallest(tree, { celery, rig, from, to });
              const where = `seed ${seed + index}, ${name[from]} to ${name[to]} over ${road}`;
              // A difference that does not show again was Celery's other mind, or a machine that stood still for longer than we wait: few may be that.
              if (small === undefined) account.notAgain(`${where}: ${show(tree)}\n  ${first.join('\n  ')}`);
              else wrong.push(`${where}: ${show(small.tree)}\n  ${small.differences.join('\n  ')}`);
            }
          }
        expect(wrong.join('\n\n')).toBe('');
      });

    test('differences that do not show again are few', () => {
      expect(account.once.length, account.text()).toBeLessThanOrEqual(account.mostOnce);
    });
  });
}
