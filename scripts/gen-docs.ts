// Writes docs/reference/: settings.md from the settings table (names, kinds and defaults from the rows, meanings from the docblocks above them),
// command-line.md from what every command says to --help, coverage.md from comments above tests.
//   tsx scripts/gen-docs.ts           writes them
//   tsx scripts/gen-docs.ts --check   fails when they are not what they should be
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { commands } from '../src/cli/commands/index.ts';
import { runProgram } from '../src/cli/program.ts';
import { isSetting, rowOf, snakeName } from '../src/config/names.ts';
import { settingsTable } from '../src/config/settings/index.ts';
import { coveragePage } from './features/page.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'docs', 'reference');

const SECTIONS: readonly (readonly [file: string, title: string])[] = [
  ['general', 'General'],
  ['task', 'Tasks'],
  ['broker', 'Broker'],
  ['worker', 'Worker'],
  ['result', 'Results'],
  ['event', 'Events'],
  ['control', 'Remote control'],
  ['beat', 'Periodic tasks'],
  ['security', 'Signed messages'],
  ['redis', 'Results in Redis'],
  ['database', 'Results in Celery’s SQL tables'],
  ['stores', 'Other result stores'],
  ['ours', 'Ours'],
];

for (const [page, text] of [
  ['settings.md', settingsPage()],
  ['command-line.md', await commandLinePage()],
  ['coverage.md', coveragePage()],
] as const) {
  const path = join(folder, page);
  if (!process.argv.includes('--check')) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`docs/reference/${page} is not what the tables say. Run: npx tsx scripts/gen-docs.ts\n`);
    process.exitCode = 1;
  }
}

async function commandLinePage(): Promise<string> {
  const pages = [];
  for (const name of ['', ...commands.map((command) => command.name)]) {
    const help = await helpOf(name === '' ? ['--help'] : [name, '--help']);
    pages.push(`## celeriac${name === '' ? '' : ` ${name}`}\n\n\`\`\`\n${help.trimEnd()}\n\`\`\`\n`);
  }
  return `<!-- Made by scripts/gen-docs.ts from src/cli. Do not edit. -->

# The command line

The command is installed as \`celeriac\` and as \`celery\`. Exit codes are Celery’s: 0, 1 for a failure, 2 for wrong usage, 69 when no worker answered or the broker cannot be reached.

${pages.join('\n')}`;
}

async function helpOf(argv: readonly string[]): Promise<string> {
  const said: string[] = [];
  const terminal = { program: 'celeriac', env: {}, out: (text: string) => void said.push(text), err: () => undefined, ask: () => Promise.resolve(undefined) };
  await runProgram(commands, argv, terminal, '');
  return said.join('');
}

function settingsPage(): string {
  const documented = new Set<string>();
  const sections = SECTIONS.map(([file, title]) => {
    const { intro, rows } = readTable(file);
    for (const name of rows.keys()) documented.add(name);
    return [`## ${title}`, '', intro, '', ...[...rows].flatMap(([name, meaning]) => entry(name, meaning))].join('\n');
  });
  const files = readdirSync(join(root, 'src/config/settings')).filter((file) => !['index.ts', 'kind.ts', 'kinds.ts'].includes(file));
  const forgotten = [
    ...files.filter((file) => !SECTIONS.some(([name]) => `${name}.ts` === file)),
    ...Object.keys(settingsTable).filter((name) => !documented.has(name)),
  ];
  if (forgotten.length > 0) throw new Error(`not in the reference: ${forgotten.join(', ')}`);
  return `${preface()}\n${sections.join('\n')}`;
}

function preface(): string {
  return `<!-- Made by scripts/gen-docs.ts from src/config/settings. Do not edit. -->

# Settings

Every setting of Celery 5.7, and a few of our own at the end. Numbers of time are seconds; a duration may also be a string with its unit: \`'250ms'\`, \`'10s'\`, \`'5m'\`, \`'2h'\`, \`'1d'\`.

\`new Celery(name, settings)\` and \`app.configure(settings)\` take the names below. \`app.configFromObject(source)\` takes an object or the path of a module, in any of Celery’s spellings:

- \`taskDefaultQueue\`, \`task_default_queue\`, \`TASK_DEFAULT_QUEUE\`
- with a namespace, \`{ namespace: 'CELERY' }\`: \`CELERY_TASK_DEFAULT_QUEUE\`
- the names of Celery 3, where one is given below: \`CELERY_DEFAULT_QUEUE\`. They cannot be mixed with newer ones.

As in Celery the constructor wins over configuration objects, whenever those are given; \`configure\` wins over both. The environment is stronger than all of these: \`CELERY_BROKER_URL\`, \`CELERY_BROKER_READ_URL\`, \`CELERY_BROKER_WRITE_URL\`, \`CELERY_RESULT_BACKEND\`. On the command line of a worker settings stand after \`--\`: \`celeriac -A tasks worker -- worker.prefetch_multiplier=1\`.

A name that is nearly a setting’s is an error. Other names are your own: declare them by merging into \`interface CustomSettings\`, and read them from \`app.conf\`.

_Not built yet_ marks settings that are known, so that a configuration of Celery’s can be read, but have no effect: the worker names those that are set when it starts.
`;
}

function entry(name: string, meaning: string): readonly string[] {
  if (!isSetting(name)) throw new Error(`${name} is not in the table`);
  const { kind, default: fallback, old, built } = rowOf(name);
  const facts = [`default ${shown(fallback)}`, kind.expected, `\`${snakeName(name)}\``, ...(old === undefined ? [] : [`in Celery 3 \`${old}\``])];
  return [`### ${name}`, '', `${built ? '' : '_Not built yet._ '}${meaning}`, '', `${facts.join(' · ')}`, ''];
}

function shown(value: unknown): string {
  return `\`${typeof value === 'string' ? `'${value}'` : JSON.stringify(value)}\``;
}

/** The docblock of a namespace, and that of each of its rows. */
function readTable(file: string): { readonly intro: string; readonly rows: ReadonlyMap<string, string> } {
  const path = join(root, 'src/config/settings', `${file}.ts`);
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const rows = new Map<string, string>();
  const intro = source.statements
    .filter((statement) => ts.isVariableStatement(statement))
    .map((statement) => {
      const table = statement.declarationList.declarations[0]?.initializer;
      if (table === undefined || !ts.isObjectLiteralExpression(table)) return '';
      for (const property of table.properties) rows.set(property.name!.getText(), docOf(property));
      return docOf(statement);
    })
    .join('');
  return { intro, rows };
}

function docOf(node: ts.Node): string {
  const comment = ts.getJSDocCommentsAndTags(node).find((part) => ts.isJSDoc(part))?.comment;
  const words = typeof comment === 'string' ? comment : ts.getTextOfJSDocComment(comment);
  if (words === undefined) throw new Error(`${node.getSourceFile().fileName}: a row without a docblock: ${node.getText().slice(0, 60)}`);
  return words.replaceAll(/\s*\n\s*/g, ' ');
}
