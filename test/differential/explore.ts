// By hand, on a Redis of one's own: node --import tsx test/differential/explore.ts FIRST COUNT [ts-ts ts-py py-ts]. Shows the smallest tree of each class of
// difference; with SHRINK=0, which is fast, all differences as they are. Wants CELERIAC_TEST_REDIS, CELERIAC_TEST_PYTHON and a fresh build.
import { startRig, type Language } from './rig.ts';
import { differences, smallest } from './difference.ts';
import { treeOf } from './grow.ts';
import { show, type Tree } from './trees.ts';
const redis = process.env['CELERIAC_TEST_REDIS'];
const [first, count, ...pairs] = process.argv.slice(2);
const rig = await startRig({ broker: `${redis}/6`, backend: `${redis}/7` }, process.env['CELERIAC_TEST_PYTHON']!);
try {
  const trees = Array.from({ length: Number(count) }, (_, i) => treeOf(Number(first) + i));
  let t = performance.now();
  const lap = (w: string) => {
    console.log(w, Math.round(performance.now() - t));
    t = performance.now();
  };
  const oracle = await rig.run(trees, 'py', 'py');
  lap('oracle');
  for (const pair of pairs.length ? pairs : ['py-py', 'ts-ts', 'ts-py', 'py-ts']) {
    const [from, to] = pair.split('-') as [Language, Language];
    const out = await rig.run(trees, from, to, oracle, 3000);
    lap(pair);
    let bad = 0;
    const classes = new Map<string, { tree: Tree; n: number }>();
    const key = (d: string) => d.split('\n')[0]!.replace(/[t?]\d+/, 'T') + (d.includes('where a definite') ? ' open' : '');
    for (const [i, tree] of trees.entries()) {
      const d = differences(oracle[i]!, out[i]!, { from, to });
      if (d.length) bad++;
      for (const k of new Set(d.map(key))) {
        const known = classes.get(k);
        if (!known || show(known.tree).length > show(tree).length) classes.set(k, { tree, n: (known?.n ?? 0) + 1 });
        else known.n++;
      }
    }
    console.log(`== ${pair}: ${bad} of ${trees.length} differ`);
    if (process.env['SHRINK'] === '0')
      for (const [i, tree] of trees.entries()) {
        const d = differences(oracle[i]!, out[i]!, { from, to });
        if (d.length) console.log(`\n-- seed ${Number(first) + i}`, show(tree) + '\n  ' + d.join('\n  '));
      }
    if (process.env['SHRINK'] !== '0')
      for (const [k, { tree, n }] of classes) {
        const s = await smallest(tree, { celery: rig, rig, from, to }, (d) => key(d) === k);
        console.log(`\n-- ${pair} ${k} (${n})`, s === undefined ? `not again: ${show(tree)}` : `${show(s.tree)}\n  ${s.differences.join('\n  ')}`);
      }
  }
} finally {
  await rig.stop();
}
process.exit(0);
