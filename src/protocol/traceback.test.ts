import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pythonTraceback } from './traceback.ts';

const src = new URL('..', import.meta.url).href;
const dist = src.replace(/src\/$/, 'dist/');

function traceback(...frames: readonly string[]): string {
  const error = new Error('it broke');
  error.stack = ['Error: it broke', ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return pythonTraceback(error, () => 'Exception');
}

test('leaves out our own frames, from source and built, as URL and as path', () => {
  expect(
    traceback(
      'charge (file:///srv/app/tasks.ts:12:9)',
      'request (/srv/app/node_modules/undici/index.js:3:1)',
      `TaskEntry.run (${dist}app/task-entry.js:60:12)`,
      `runTask (${fileURLToPath(dist)}execution/run-task.js:31:12)`,
      `async #run (${src}pools/child/serve.ts:150:14)`,
      'async file:///srv/app/src/main.ts:2:1',
      'process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    ),
  ).toBe(
    [
      'Traceback (most recent call last):',
      '  File "file:///srv/app/src/main.ts", line 2, in <anonymous>',
      '  File "/srv/app/node_modules/undici/index.js", line 3, in request',
      '  File "file:///srv/app/tasks.ts", line 12, in charge',
      'Exception: it broke',
      '',
    ].join('\n'),
  );
});

test('keeps our own where there are no others', () => {
  expect(traceback(`encodeJson (${src}protocol/json-text.ts:5:1)`)).toContain('in encodeJson');
});
