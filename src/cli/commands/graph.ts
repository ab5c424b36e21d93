import { readFileSync } from 'node:fs';
import { importModule } from '../../app/import-module.ts';
import { resultFromJSON } from '../../app/result-from-json.ts';
import { Signature } from '../../canvas/by-name.ts';
import { workflowGraph } from '../../canvas/picture.ts';
import type { AnySignature } from '../../canvas/signature.ts';
import type { Celery } from '../../app/celery.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import type { Json } from '../../protocol/json.ts';
import type { AsyncResult, DependencyGraph } from '../../results/result.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';

interface GraphOptions {
  readonly format: string;
}

export const graph = defineCommand<GraphOptions>({
  name: 'graph',
  help: 'Draw a workflow: as it is written down, or as it runs, with states.',
  examples: [
    '-A tasks graph workflow nightly',
    '-A tasks graph workflow 4e196aa4-0141-4601-8138-7aa33db0f577 --format dot | dot -Tsvg > run.svg',
    '-A tasks graph workflow @handle.json',
  ],
  define: (command) =>
    void command
      .argument('<kind>', 'What to draw: workflow.')
      .argument('<what>', 'A signature that the module of -A exports, the id of a task or a saved group, or JSON of a signature or handle (or @file with it).')
      .option('--format <format>', 'mermaid or dot (Graphviz).', 'mermaid'),
  async run({ args: [kind, what], options: { format }, context }) {
    if (kind !== 'workflow') throw new ImproperlyConfigured(`expected graph workflow, not graph ${kind}`);
    if (format !== 'mermaid' && format !== 'dot') throw new ImproperlyConfigured(`--format: expected mermaid or dot, not ${JSON.stringify(format)}`);
    const drawn = await draw(what!, context);
    context.print((format === 'dot' ? drawn.toDot() : drawn.toMermaid()).trimEnd());
  },
});

async function draw(what: string, context: CliContext): Promise<DependencyGraph> {
  const text = what.startsWith('@') ? contentOf(what.slice(1)) : what;
  if (text.startsWith('{')) return workflowGraph(Signature.from(parsed(text)));
  const { app, module } = await context.namedApp();
  try {
    if (text.startsWith('[')) return await resultFromJSON(parsed(text), app).graph();
    const exports = await importModule(module.replace(/:[\w$]+$/, ''));
    const exported = exports[text];
    if (isSignature(exported)) return workflowGraph(exported);
    const result = await storedResult(text, app);
    if (result === undefined) throw nothingToDraw(text, exports);
    return await result.graph();
  } finally {
    await app.close();
  }
}

/** The results of a group that was saved, else of a task of which something is stored: an id that nobody knows would be drawn as a task that waits. */
async function storedResult(id: string, app: Celery): Promise<AsyncResult<unknown> | undefined> {
  const group = await app.GroupResult(id);
  if (group !== null) return group;
  const result = app.AsyncResult(id);
  return (await result.exists()) ? result : undefined;
}

function nothingToDraw(what: string, exports: Readonly<Record<string, unknown>>): ImproperlyConfigured {
  const name = JSON.stringify(what);
  if (Object.hasOwn(exports, what)) {
    return new ImproperlyConfigured(
      `${name} is exported, but is no signature: export a call that is written down, as add.s(2, 2), or a chain, group or chord of such, and give its name`,
    );
  }
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(what)) {
    return new ImproperlyConfigured(
      `nothing is stored under ${what}: is it the id of a group that was not saved (result.save()), or of a task that has not begun or is forgotten? A handle (what result.toJSON() gives) can be drawn in any state`,
    );
  }
  const signatures = Object.keys(exports).filter((key) => isSignature(exports[key]));
  return new ImproperlyConfigured(
    `${name} is neither exported by the module of -A nor the id of a stored result. Signatures that it exports: ${signatures.join(', ') || 'none'}`,
  );
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ImproperlyConfigured(`@${path}: expected a file with JSON of a signature or of a handle: ${(error as Error).message}`, { cause: error });
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new ImproperlyConfigured(`expected JSON of a signature or of a handle (what toJSON gives): ${(error as Error).message}`, { cause: error });
  }
}

const isSignature = (value: unknown): value is AnySignature =>
  typeof value === 'object' && value !== null && 'subtaskType' in value && typeof (value as { toJSON?: unknown }).toJSON === 'function';
