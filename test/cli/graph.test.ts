import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Celery } from '../../src/index.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'celeriac-graph-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tasks = join(folder, 'tasks.mjs');
writeFileSync(
  tasks,
  `import { Celery, chord } from '${join(root, 'dist', 'index.js')}';
export const app = new Celery('t', { broker: 'sqlite:///${join(folder, 'q.db')}', backend: 'sqlite:///${join(folder, 'q.db')}' });
export const add = app.task('t.add', (x, y) => x + y);
const sum = app.task('t.sum', (all) => all.length);
export const nightly = chord([add.s(1, 1), add.s(2, 2)], sum.s());
`,
);
const graph = (...args: readonly string[]): { readonly out: string; readonly err: string; readonly code: number | null } => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'dist', 'cli', 'main.js'), '-A', tasks, 'graph', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { out: stdout, err: stderr, code: status };
};

// features: 4-140 5-031
describe('celeriac graph workflow', () => {
  test('draws what the module exports, for Mermaid or for Graphviz', () => {
    expect(graph('workflow', 'nightly').out).toBe(
      ['flowchart TD', '  n0["t.add(1, 1)"]', '  n1["t.add(2, 2)"]', '  n2["t.sum()"]', '  n0 --> n2', '  n1 --> n2', ''].join('\n'),
    );
    expect(graph('workflow', 'nightly', '--format', 'dot').out).toContain('"call 1" -> "call 3";');
  });

  test('draws a run by the id of its task, or by its handle as JSON, with states', async () => {
    const app = new Celery('t', { backend: `sqlite:///${join(folder, 'q.db')}` });
    await app.backend.save({ taskId: 'some-id', status: 'SUCCESS', result: 3, traceback: null, dateDone: null });
    await app.close();
    expect(graph('workflow', 'some-id').out).toContain('some-id<br/>SUCCESS');
    const handle = join(folder, 'handle.json');
    writeFileSync(handle, JSON.stringify([['body', [['g', null], [[['part', null], null]]]], null]));
    expect(graph('workflow', `@${handle}`, '--format', 'dot').out).toContain('"part" -> "body";');
  });

  test('says what it expected', () => {
    expect(graph('bootsteps', 'x')).toMatchObject({ code: 2, err: expect.stringContaining('expected graph workflow') });
    expect(graph('workflow', 'x', '--format', 'svg')).toMatchObject({ code: 2, err: expect.stringContaining('expected mermaid or dot') });
    expect(graph('workflow', '{')).toMatchObject({ code: 2, err: expect.stringContaining('expected JSON') });
  });

  test('says in one line what cannot be drawn, and what could', () => {
    const refused = (what: string): string => {
      const { code, err, out } = graph('workflow', what);
      expect({ code, out, lines: err.trim().split('\n').length }).toEqual({ code: 2, out: '', lines: 1 });
      return err;
    };
    expect(refused('nihgtly')).toMatch(/"nihgtly" is neither exported .* nor the id of a stored result. Signatures that it exports: nightly$/m);
    expect(refused('add')).toContain('"add" is exported, but is no signature: export a call that is written down');
    expect(refused('4e196aa4-0141-4601-8138-7aa33db0f577')).toMatch(/nothing is stored under 4e196aa4-\S+: is it the id of a group that was not saved/);
    expect(refused('@nofile.json')).toContain('@nofile.json: expected a file with JSON of a signature or of a handle: ENOENT');
  });
});
