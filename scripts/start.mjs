// `npm start`: a real worker process and a real producer process run examples/quickstart on the embedded default. Ends by itself.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const worker = program('worker', [join(root, 'dist', 'cli', 'main.js'), '-A', 'examples/quickstart/tasks.ts', 'worker', '--loglevel=info']);
process.on('exit', () => worker.child.kill('SIGKILL'));

// Each wait ends with what happens first: an end that comes later is what was asked for.
const ready = await first(
  worker.says(/ ready\.$/m).then(() => true),
  worker.ended,
  30_000,
  'the worker did not become ready',
);
if (ready !== true) fail(`the worker ended before it was ready (exit code ${ready})`);
const producer = program('producer', ['--import', 'tsx', 'examples/quickstart/producer.ts']);
const produced = await first(
  producer.ended,
  worker.ended.then((code) => `none: the worker ended early, with ${code}`),
  90_000,
  'the producer did not end',
);
worker.child.kill('SIGTERM');
const worked = await first(worker.ended, new Promise(() => {}), 30_000, 'the worker did not stop');
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

function first(wanted, end, ms, message) {
  return Promise.race([wanted, end, new Promise((resolve) => setTimeout(resolve, ms).unref()).then(() => fail(message))]);
}

function fail(message) {
  process.stderr.write(`npm start: ${message}\n`);
  process.exit(1);
}
