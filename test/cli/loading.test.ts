import { describe, expect, test, vi } from 'vitest';
import { Project } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

const app = `import { Celery } from 'celeriac';\nexport const app = new Celery('mine', { taskDefaultQueue: 'found' });\n`;
const found = /^task_default_queue: 'found'$/m;

/** Sources that Node by itself runs only partly, or not at all; each must give the one app, of the one library. */
const sources: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'plain TypeScript': { 'tasks.ts': app },
  'an enum': { 'tasks.ts': `enum Colour { red }\nvoid Colour.red;\n${app}` },
  'a standard decorator': {
    'tasks.ts': `const log = (value: unknown, _context: unknown) => value as never;\nclass C { @log run(): void {} }\nvoid C;\n${app}`,
  },
  'imports without extension': { 'tasks.ts': `export { app } from './lib/app';`, 'lib/app.ts': app },
  'imports of .js for .ts': { 'tasks.ts': `export { app } from './app.js';`, 'app.ts': app },
  'a module imported by two others': {
    'tasks.ts': `import './more/tasks';\nexport { app } from './app.ts';\nenum E { a }\nvoid E.a;`,
    'more/tasks.ts': `import { app } from '../app';\napp.configure({ timezone: String(globalThis.loads) });`,
    'app.ts': `${app}declare global { var loads: number | undefined }\nglobalThis.loads = (globalThis.loads ?? 0) + 1;`,
  },
  'top-level await': { 'tasks.ts': `await Promise.resolve();\n${app}` },
  JavaScript: { 'tasks.mjs': app },
};

describe.each(['module', 'commonjs', undefined] as const)('in a package of type %s', (type) => {
  test.each(Object.entries(sources))('%s', async (_, files) => {
    await using project = new Project(files, type);
    const { code, out, err } = project.run(['-A', 'tasks', 'report']);
    expect(err).toBe('');
    expect(out).toMatch(found);
    if ('more/tasks.ts' in files) expect(out).toContain("timezone: '1'");
    expect(code).toBe(0);
  });
});

test('CommonJS can require the library and export its app', async () => {
  await using project = new Project(
    { 'tasks.js': app.replace(/import (.*) from ('.*');/, 'const $1 = require($2);').replace('export const app =', 'exports.app =') },
    'commonjs',
  );
  expect(project.run(['-A', 'tasks', 'report'])).toMatchObject({ code: 0, out: expect.stringMatching(found) as string });
});

test.each<[spec: string, files: Readonly<Record<string, string>>]>([
  ['./src/tasks.ts', { 'src/tasks.ts': app }],
  ['src/tasks', { 'src/tasks.ts': app }],
  ['proj.tasks', { 'proj/tasks.ts': app }],
  ['proj', { 'proj/index.ts': app }],
  ['proj', { 'proj/celery.ts': app }],
  ['proj', { 'proj/index.ts': 'export const version = 1;', 'proj/celery.ts': app }],
  ['proj.tasks:other', { 'proj/tasks.ts': app.replace('const app', 'const other') }],
  ['proj.tasks.other', { 'proj/tasks.ts': app.replace('const app', 'const other') }],
  ['tasks', { 'tasks.ts': app.replace('const app', 'const celery') }],
  ['tasks', { 'tasks.ts': app.replace('const app', 'const whatever') }],
  ['tasks', { 'tasks.ts': `${app.replace('const app', 'const inner')}export default { app: inner };` }],
])('-A %s finds the app in %j', async (spec, files) => {
  await using project = new Project(files, 'module');
  expect(project.run(['-A', spec, 'report'])).toMatchObject({ code: 0, out: expect.stringMatching(found) as string });
});

test.each<[spec: string, files: Readonly<Record<string, string>>, message: string]>([
  [
    'nope',
    {},
    'Error: -A nope: no such module. Looked in <dir> for nope.ts, nope.js, nope/index.ts, nope/index.js, nope/celery.ts, nope/celery.js. Give the path of the file that exports your app: -A ./src/tasks.ts\n',
  ],
  [
    './src/nope.ts',
    {},
    'Error: -A ./src/nope.ts: no such module. Looked in <dir> for src/nope.ts. Give the path of the file that exports your app: -A ./src/tasks.ts\n',
  ],
  [
    'tasks',
    { 'tasks.ts': 'export const add = (x: number) => x; export const mul = add;' },
    "Error: -A tasks: <dir>/tasks.ts exports no Celery app. It exports add, mul. Expected: export const app = new Celery('tasks')\n",
  ],
  [
    'tasks',
    { 'tasks.ts': 'export {};' },
    "Error: -A tasks: <dir>/tasks.ts exports no Celery app. It exports nothing. Expected: export const app = new Celery('tasks')\n",
  ],
  [
    'tasks:nope',
    { 'tasks.ts': app },
    `Error: -A tasks:nope: <dir>/tasks.ts has no export "nope". It exports app. Expected: export const app = new Celery('tasks')\n`,
  ],
  [
    'tasks:x',
    { 'tasks.ts': 'export const x = 1;' },
    `Error: -A tasks:x: what <dir>/tasks.ts exports as "x" is no Celery app. It exports x. Expected: export const app = new Celery('tasks')\n`,
  ],
  [
    'tasks',
    { 'tasks.ts': `${app.replace('const app', 'const one')}export const two = new Celery('two');` },
    'Error: -A tasks: <dir>/tasks.ts exports several Celery apps (one, two). Say which: -A tasks:one\n',
  ],
  [
    'tasks',
    { 'tasks.ts': `class Celery {}\nexport const app = new Celery();` },
    'Error: -A tasks: <dir>/tasks.ts exports no Celery app. Its "app" is an app of another copy of celeriac: install one copy only (npm ls celeriac), and start its own command.\n',
  ],
])('-A %s with %j says what is wrong', async (spec, files, message) => {
  await using project = new Project(files, 'module');
  expect(project.run(['-A', spec, 'report'])).toEqual({ code: 2, out: '', err: message });
});

test('a module that throws is named, with its stack', async () => {
  await using project = new Project({ 'tasks.ts': `interface Unused {}\nexport type T = Unused;\nthrow new Error('boom');` }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'report']);
  expect(err).toContain('Error: -A tasks: <dir>/tasks.ts threw an error while it was loaded.\nError: boom\n');
  expect(err).toMatch(/<dir>\/tasks\.ts:3:\d+/);
  expect(code).toBe(2);
});

test('the frames of Node and of loaders are shown to whoever asks for them', async () => {
  await using project = new Project({ 'tasks.ts': `enum E { a }\nvoid E.a;\nimport './gone.ts';\n${app}` }, 'module');
  const brief = project.run(['-A', 'tasks', 'worker']);
  expect(brief.err).toContain('gone.ts');
  expect(brief.err).toContain('(DEBUG=1 in the environment shows the whole stack.)\n');
  expect(brief.err).not.toMatch(/at .*(?:node:|node_modules|dist)/);
  for (const detailed of [project.run(['-A', 'tasks', 'worker', '-l', 'debug']), project.run(['-A', 'tasks', 'report'], { DEBUG: '1' })]) {
    expect(detailed.err).toMatch(/at .*node:/);
    expect(detailed.code).toBe(2);
  }
});

test('a module whose own import is missing says which', async () => {
  await using project = new Project({ 'tasks.ts': `import './gone.ts';\n${app}` }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'report']);
  expect(err).toMatch(/^Error: -A tasks: <dir>\/tasks\.ts threw an error while it was loaded\.\n.*gone\.ts/);
  expect(code).toBe(2);
});

test('a wrong setting in the app is told without a stack', async () => {
  await using project = new Project({ 'tasks.ts': app.replace('taskDefaultQueue', 'taskDefaultQueu') }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'report']);
  expect(err).toBe('Error: There is no setting "taskDefaultQueu". Did you mean "taskDefaultQueue"?\n');
  expect(code).toBe(2);
});

test('CELERY_APP, --workdir, -b and --config are heard', async () => {
  await using project = new Project({ 'deep/tasks.ts': app, 'deep/conf.json': '{"task_serializer": "yaml"}' }, 'module');
  const { out, code } = project.run(['--workdir', 'deep', '-b', 'redis://:hush@h/3', '--config', 'conf.json', 'report'], { CELERY_APP: 'tasks' });
  expect(code).toBe(0);
  expect(out).toContain("task_default_queue: 'found'\n");
  expect(out).toContain("task_serializer: 'yaml'\n");
  expect(out).toContain("broker_url: 'redis://:**@h/3'\n");
  expect(out).toMatch(/^software -> celery:5\.7\.0 celeriac:/m);
});

test('a module that waits for ever is said to', async () => {
  await using project = new Project({ 'tasks.ts': `${app}await new Promise(() => undefined);` }, 'module');
  const { code, err } = project.run(['-A', 'tasks', 'report']);
  expect(err).toContain('Error: the command waits for something that never happens. Is there a top-level await in the modules of your app that cannot end?\n');
  expect(code).toBe(13);
});

test('a traceback names the files of the package as it is installed, also where Node reads source maps, and those of the project as they were written', async () => {
  const tasks = `${app.replace('{ task', '{ taskAlwaysEager: true, task')}enum E { a }
export const boom = app.task('proj.boom', () => {
  throw new Error('boom' + E.a);
});
process.stdout.write(String((await (await boom.delay()).get({ propagate: false }) as Error).stack));\n`;
  await using project = new Project({ 'tasks.ts': tasks }, 'module');
  const { out } = project.run(['-A', 'tasks', 'report'], { NODE_OPTIONS: '--enable-source-maps' });
  expect(out).toContain('tasks.ts:5:9');
  const ours = out.split('\n').filter((line) => line.startsWith('    at ') && !/<dir>|node:/.test(line));
  expect(ours.length).toBeGreaterThan(0);
  for (const line of ours) expect(line).toMatch(/dist\/[\w/-]+\.js:\d+/);
});
