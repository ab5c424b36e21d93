// `npm test`: brings up the servers it can, runs the tests, says what was left out, and ends on `N passed, N failed, N skipped`.
//   --fast          unit tests only, no servers
//   FILE or WORD …  only test files whose path holds one of these
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { up } from './servers/index.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const isFast = words.includes('--fast');
const isCi = Boolean(process.env.CI);
const filters = words.filter((word) => !word.startsWith('--'));

const servers = isFast ? { env: {}, leftOut: ['every server: --fast runs unit tests only'], down: () => {} } : await up();
process.on('exit', () => servers.down());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

const folder = mkdtempSync(join(tmpdir(), 'celeriac-test-'));
const report = join(folder, 'report.json');
const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const status = await new Promise((resolve) => {
  const env = { ...process.env, ...servers.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --no-deprecation`.trim() };
  spawn(process.execPath, [...vitest, ...(isFast && filters.length === 0 ? ['src/'] : filters)], { cwd: root, stdio: 'inherit', env }).on('exit', (code) =>
    resolve(code ?? 1),
  );
});

const { passed, failed, skipped } = counts();
rmSync(folder, { recursive: true, force: true });
for (const line of servers.leftOut) process.stdout.write(`left out: ${line}\n`);
const isMissing = isCi && servers.leftOut.length > 0;
if (isMissing) process.stdout.write('In CI every server must be there: this counts as a failure.\n');
process.stdout.write(`${passed} passed, ${failed + (isMissing ? 1 : 0)} failed, ${skipped} skipped\n`);
process.exitCode = status !== 0 || failed > 0 || passed === 0 || isMissing ? 1 : 0;

function counts() {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    // A file that could not even be loaded has no tests: it counts as one failure.
    const broken = numFailedTestSuites === 0 ? 0 : testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
    return { passed: numPassedTests, failed: numFailedTests + broken, skipped: numPendingTests + numTodoTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
