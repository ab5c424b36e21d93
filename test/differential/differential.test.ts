// Random workflows in four pairs of producer and worker: what came of each must be what comes of it between Celery's own two.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rabbitVhost } from '../support/rabbitmq.ts';
import type { Urls } from '../interop/processes.ts';
import type { Outcome } from './outcome.ts';
import { startRig, type Language, type Rig } from './rig.ts';
import { show, smaller, treeOf, type Tree } from './trees.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const python = process.env['CELERIAC_TEST_PYTHON'];
const vhost = python === undefined || redis === undefined ? undefined : await rabbitVhost();
/** Five batches by default; `npm run differential` says how many trees, and from which seed on. */
const count = Number(process.env['DIFFERENTIAL_TREES'] ?? 100);
const first = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const batchSize = Math.min(100, Math.ceil(count / 5));
const roads: readonly { readonly name: string; readonly urls: Urls | undefined }[] = [
  { name: 'Redis', urls: redis === undefined ? undefined : { broker: `${redis}/6`, backend: `${redis}/7` } },
  { name: 'RabbitMQ with results in Redis', urls: vhost === undefined ? undefined : { broker: vhost.url, backend: `${redis}/7` } },
];
const pairs: readonly (readonly [Language, Language])[] = [
  ['ts', 'ts'],
  ['ts', 'py'],
  ['py', 'ts'],
  ['py', 'py'],
];
const name = { ts: 'TypeScript', py: 'Python' };

if (redis === undefined || python === undefined) {
  test.skip('differential: CELERIAC_TEST_REDIS or CELERIAC_TEST_PYTHON are not set (npm test sets them where it can)', () => undefined);
} else {
  describe('random workflows', { timeout: 600_000 }, () => {
    const rigs = new Map<string, Rig>();
    const rigOf = (road: string): Rig => rigs.get(road)!;
    beforeAll(async () => {
      for (const road of roads) if (road.urls !== undefined) rigs.set(road.name, await startRig(road.urls, python));
    }, 120_000);
    afterAll(async () => {
      await Promise.all([...rigs.values()].map((rig) => rig.stop()));
    });

    for (let seed = first; seed < first + count; seed += batchSize)
      test(`seeds ${seed} to ${Math.min(seed + batchSize, first + count) - 1}`, async () => {
        const trees = Array.from({ length: Math.min(batchSize, first + count - seed) }, (_, index) => treeOf(seed + index));
        const oracle = await rigOf('Redis').run(trees, 'py', 'py');
        const wrong: string[] = [];
        for (const road of roads)
          for (const [from, to] of pairs) {
            const rig = rigs.get(road.name);
            if (rig === undefined || (road.name === 'Redis' && from === 'py' && to === 'py')) continue;
            const outcomes = await rig.run(trees, from, to, oracle);
            for (const [index, tree] of trees.entries()) {
              if (differences(oracle[index]!, outcomes[index]!).length === 0) continue;
              if (wrong.length >= 5) continue;
              const pair = `${name[from]} to ${name[to]} over ${road.name}`;
              wrong.push(`seed ${seed + index}, ${pair}\n${await smallest(tree, rigOf('Redis'), rig, from, to)}`);
            }
          }
        expect(wrong.join('\n\n')).toBe('');
      });
  });
}

/** Where two outcomes are not the same: the path, what Celery has, and what this pair has. */
function differences(celery: unknown, other: unknown, path = ''): readonly string[] {
  if (JSON.stringify(celery) === JSON.stringify(other)) return [];
  const [a, b] = [celery, other] as [Record<string, unknown>, Record<string, unknown>];
  const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isPlain(a) && isPlain(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => differences(a[key], b[key], `${path}.${key}`));
  return [`${path}\n    Celery: ${JSON.stringify(celery)}\n    here:   ${JSON.stringify(other)}`];
}

/** The smallest tree found below a failing one that still fails, and how. */
async function smallest(tree: Tree, celery: Rig, rig: Rig, from: Language, to: Language): Promise<string> {
  const fails = async (one: Tree): Promise<{ readonly celery: Outcome; readonly here: Outcome } | undefined> => {
    const [expected] = await celery.run([one], 'py', 'py');
    const [outcome] = await rig.run([one], from, to, [expected!]);
    return differences(expected!, outcome!).length > 0 ? { celery: expected!, here: outcome! } : undefined;
  };
  let best = tree;
  let seen = await fails(tree);
  if (seen === undefined) return `  (not when run again) ${show(tree)}`;
  search: for (const end = performance.now() + Number(process.env['DIFFERENTIAL_SHRINK_MS'] ?? 30_000); performance.now() < end;) {
    for (const candidate of smaller(best)) {
      if (performance.now() > end) break search;
      const outcome = await fails(candidate);
      if (outcome === undefined) continue;
      best = candidate;
      seen = outcome;
      continue search;
    }
    break;
  }
  return `  ${show(best)}\n  ${differences(seen.celery, seen.here).join('\n  ')}`;
}
