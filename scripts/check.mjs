// `npm run check`: everything a machine can say about the code without running it. All checks run; the summary names those that failed.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const checks = [
  ['types', process.execPath, ['node_modules/typescript7/bin/tsc', '-p', 'tsconfig.json']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench', 'examples']],
  ['format', bin('oxfmt'), ['--check', '.']],
  ['floors', bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src']],
  ['dead code', bin('knip'), ['--no-progress']],
  ['reference', bin('tsx'), ['scripts/gen-docs.ts', '--check']],
  ['package', bin('publint'), ['--strict']],
  ['package types', bin('attw'), ['--pack', '.', '--profile', 'esm-only']],
];

const wanted = process.argv.slice(2);
const failed = [];
for (const [name, command, args] of checks) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  process.stdout.write(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${took})\n`);
  if (status !== 0) {
    failed.push(name);
    process.stdout.write(`${stdout}${stderr}`.split('\n').slice(0, 200).join('\n') + '\n');
  }
}
if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
