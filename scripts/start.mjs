// `npm start`: a real worker process and a real producer process run examples/quickstart on the embedded default. Ends by itself.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const worker = program('worker', [join(root, 'dist', 'cli', 'main.js'), '-A', 'examples/quickstart/tasks.ts', 'worker', '--loglevel=info']);
process.on('exit', () => worker.child.kill('SIGKILL'));

await Promise.race([
  worker.says(/ ready\.$/m),
  worker.ended.then((code) => fail(`the worker ended before it was ready (exit code ${code})`)),
  late(30_000, 'the worker did not become ready'),
]);
const producer = program('producer', ['--import', 'tsx', 'examples/quickstart/producer.ts']);
const produced = await Promise.race([
  producer.ended,
  worker.ended.then((code) => fail(`the worker ended early (exit code ${code})`)),
  late(90_000, 'the producer did not end'),
]);
worker.child.kill('SIGTERM');
const worked = await Promise.race([worker.ended, late(30_000, 'the worker did not stop')]);
if (produced !== 0 || worked !== 0) fail(`producer: exit code ${produced}, worker: exit code ${worked}`);

process.stdout.write(`
That was a worker process and a producer process, with no server: the embedded SQLite file .celeriac/celeriac.db was broker and result store.
Try next:
  npx celeriac -A examples/quickstart/tasks.ts worker --loglevel=info           a worker of your own (Ctrl-C stops it)
  npx celeriac -A examples/quickstart/tasks.ts call quickstart.add --args='[2, 2]'
  CELERY_BROKER_URL=redis://127.0.0.1:6379/0 CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/1 npx celeriac -A examples/quickstart/tasks.ts worker
`);
process.exit(0);

function program(name, args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  let text = '';
  const watchers = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      for (const watcher of watchers) watcher();
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) process.stdout.write(`${name.padEnd(8)} | ${line}\n`);
    });
  }
  const says = (pattern) =>
    new Promise((resolve) => {
      const look = () => pattern.test(text) && resolve();
      watchers.push(look);
      look();
    });
  return { child, ended, says };
}

function late(ms, message) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(message)), ms).unref()).catch((error) => fail(error.message));
}

function fail(message) {
  process.stderr.write(`npm start: ${message}\n`);
  process.exit(1);
}
