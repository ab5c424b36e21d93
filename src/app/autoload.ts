import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentInclude } from '../config/sources.ts';
import { ImproperlyConfigured } from '../errors.ts';
import type { Celery } from './celery.ts';
import { coreOf } from './core.ts';
import { importModule, type LoadedModule } from './import-module.ts';

export interface FoundApp {
  readonly app: Celery;
  /** Where it came from, in a form that `loadApp` takes again in a child: `/proj/tasks.ts`, `/proj/tasks.ts:other`. */
  readonly module: string;
}

/**
 * The app that `-A` names: `tasks`, `proj.tasks`, `proj.tasks:app`, `./src/tasks.ts`, a file URL.
 * Throws ImproperlyConfigured that says which it was: no such module (and what was looked for), a module that threw (with its stack), or no app in it.
 */
export async function loadApp(spec: string, options: { readonly cwd?: string } = {}): Promise<Celery> {
  const { app } = await findApp(spec, options);
  await loadIncluded(app, options);
  return app;
}

/** Loads what the settings `imports` and `include` name, and `-I`, as whoever runs tasks must. Names and paths are those of `-A`. */
export async function loadIncluded(app: Celery, options: { readonly cwd?: string } = {}): Promise<void> {
  const core = coreOf(app);
  await core.ready();
  for (const name of [...core.settings.imports, ...core.settings.include, ...environmentInclude()]) await loadModule(name, options);
}

/** Loads a module by its path, dotted name or package. Throws ImproperlyConfigured when there is none; what it throws itself is thrown. */
export async function loadModule(name: string, options: { readonly cwd?: string } = {}): Promise<void> {
  const cwd = options.cwd ?? process.cwd();
  const [candidate] = candidatesFor(name, undefined);
  const tried = filesOf(candidate!.name, cwd);
  const file = tried.find(isFile) ?? installedModule(name, cwd);
  if (file === undefined) throw new ImproperlyConfigured(`${name} (in imports, include or -I): no such module. ${lookedFor(cwd, tried)}`);
  await importModule(file);
}

/** The app alone, and where it was found; `include` is not loaded. */
export async function findApp(spec: string, options: { readonly cwd?: string } = {}): Promise<FoundApp> {
  const cwd = options.cwd ?? process.cwd();
  const { name, attribute } = partsOf(spec);
  const tried: string[] = [];
  for (const candidate of candidatesFor(name, attribute)) {
    const files = filesOf(candidate.name, cwd).filter((file) => tried.includes(file) || tried.push(file) > 0);
    const found = files.filter(isFile);
    if (found.length > 0) return appIn(spec, found, candidate.attribute);
  }
  const installed = installedModule(name, cwd);
  if (installed !== undefined) return appIn(spec, [installed], attribute);
  throw new ImproperlyConfigured(notFound(spec, cwd, tried));
}

const EXTENSIONS = ['.ts', '.js', '.mts', '.mjs', '.cts', '.cjs'];

interface Candidate {
  readonly name: string;
  readonly attribute: string | undefined;
}

/** `proj.tasks:app` is a name and an attribute; a drive letter or `file:` is not. */
function partsOf(spec: string): Candidate {
  if (spec.startsWith('file:')) return { name: fileURLToPath(spec.replace(/#.*$/, '')), attribute: /#(.+)$/.exec(spec)?.[1] };
  const match = /^(.{2,}?):([\w$]+)$/s.exec(spec) ?? /^([^:]):([\w$]+)$/s.exec(spec);
  return match === null ? { name: spec, attribute: undefined } : { name: match[1]!, attribute: match[2]! };
}

/** As in Celery the last part of a dotted name may be an attribute: `proj.tasks.app`. */
function candidatesFor(name: string, attribute: string | undefined): readonly Candidate[] {
  if (name.includes('/') || name.includes('\\') || EXTENSIONS.some((extension) => name.endsWith(extension))) return [{ name, attribute }];
  const path = name.replaceAll('.', '/');
  const last = /^(.+)\.([\w$]+)$/s.exec(name);
  return [{ name: path, attribute }, ...(attribute === undefined && last !== null ? [{ name: last[1]!.replaceAll('.', '/'), attribute: last[2]! }] : [])];
}

/** Where a name may be, in order: as it is, with an extension, and in a folder its index or `celery`. */
function filesOf(name: string, cwd: string): readonly string[] {
  const path = resolve(cwd, name);
  if (EXTENSIONS.some((extension) => path.endsWith(extension))) return [path];
  return ['', '/index', '/celery'].flatMap((tail) => EXTENSIONS.map((extension) => `${path}${tail}${extension}`));
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** A package that is installed where the program runs, or a name that the package of the program itself exports. */
function installedModule(name: string, cwd: string): string | undefined {
  try {
    const path = createRequire(join(cwd, 'index.js')).resolve(name);
    return isFile(path) ? path : undefined;
  } catch {
    // Not installed either: the caller says what was looked for.
    return undefined;
  }
}

/** The app in the first of the files; a folder's `celery` file is asked where its index has none. */
async function appIn(spec: string, files: readonly string[], attribute: string | undefined): Promise<FoundApp> {
  const [file, ...others] = files as [string, ...string[]];
  const exported = exportsOf(await load(spec, file));
  const fallback = others.find((other) => dirname(other) === dirname(file) && /^celery\.[cm]?[jt]s$/.test(basename(other)));
  if (attribute !== undefined) {
    const app = exported[attribute];
    if (isApp(app)) return { app, module: `${file}:${attribute}` };
    const what = attribute in exported ? `what ${file} exports as "${attribute}" is no Celery app` : `${file} has no export "${attribute}"`;
    throw new ImproperlyConfigured(`-A ${spec}: ${what}. ${listed(exported)}`);
  }
  for (const name of ['app', 'celery']) {
    if (isApp(exported[name])) return { app: exported[name], module: file };
  }
  const apps = Object.entries(exported).filter((entry): entry is [string, Celery] => isApp(entry[1]));
  const distinct = [...new Map(apps.map(([name, app]) => [app, name]))];
  if (distinct.length === 1) return { app: distinct[0]![0], module: file };
  if (fallback !== undefined && distinct.length === 0) return appIn(spec, [fallback], undefined);
  if (distinct.length > 1) {
    throw new ImproperlyConfigured(
      `-A ${spec}: ${file} exports several Celery apps (${distinct.map(([, name]) => name).join(', ')}). Say which: -A ${spec}:${distinct[0]![1]}`,
    );
  }
  throw new ImproperlyConfigured(`-A ${spec}: ${file} exports no Celery app. ${listed(exported)}`);
}

async function load(spec: string, file: string): Promise<LoadedModule> {
  try {
    return await importModule(file);
  } catch (error) {
    if (error instanceof ImproperlyConfigured) throw error;
    throw new ImproperlyConfigured(`-A ${spec}: ${file} threw an error while it was loaded.\n${inUsersWords(error)}`, { cause: error });
  }
}

/** What went wrong and where in the project; the frames of Node, of loaders and of this package tell nobody anything. The whole stack is in the cause. */
function inUsersWords(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return stack
    .split('\n')
    .filter((line) => !/^\s+at /.test(line) || (/[/\\]/.test(line) && !/[( ]node:|[/\\]node_modules[/\\]/.test(line) && !line.includes(HERE)))
    .join('\n');
}

/** The folder of the package's own modules, `src` or `dist`, as stacks show it. */
const HERE = new URL('..', import.meta.url).href;

/** What a module exports by name; CommonJS gives all in its default. */
function exportsOf(module: LoadedModule): LoadedModule {
  const inner = module['default'];
  const named = Object.fromEntries(Object.entries(module).filter(([name]) => name !== 'module.exports'));
  return typeof inner === 'object' && inner !== null && !isApp(inner) ? { ...(inner as LoadedModule), ...named } : named;
}

function isApp(value: unknown): value is Celery {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return coreOf(value as Celery) !== undefined;
  } catch {
    return false;
  }
}

function listed(exported: LoadedModule): string {
  const foreign = Object.entries(exported).find(
    ([, value]) => !isApp(value) && (value as { readonly constructor?: { readonly name?: string } } | null | undefined)?.constructor?.name === 'Celery',
  );
  if (foreign !== undefined) {
    return `Its "${foreign[0]}" is an app of another copy of celeriac: install one copy only (npm ls celeriac), and start its own command.`;
  }
  const names = Object.keys(exported);
  const shown = names.length === 0 ? 'nothing' : names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
  return `It exports ${shown}. Expected: export const app = new Celery('tasks')`;
}

function notFound(spec: string, cwd: string, tried: readonly string[]): string {
  return `-A ${spec}: no such module. ${lookedFor(cwd, tried)} Give the path of the file that exports your app: -A ./src/tasks.ts`;
}

function lookedFor(cwd: string, tried: readonly string[]): string {
  const shown = tried.filter((file) => /\.[jt]s$/.test(file)).map((file) => (file.startsWith(`${cwd}/`) ? file.slice(cwd.length + 1) : file));
  return `Looked in ${cwd} for ${shown.join(', ')}.${existsSync(cwd) ? '' : ' That folder does not exist.'}`;
}
