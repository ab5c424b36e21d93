import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { importModule } from './import-module.ts';

/**
 * Loads every module that one of the globs matches (`*` within a folder, `**` over folders), and gives their paths in order. A folder means its `tasks` module.
 * What a module throws is thrown; a glob that matches nothing is no error.
 */
export async function autodiscover(globs: readonly string[], options: { readonly cwd?: string } = {}): Promise<readonly string[]> {
  const cwd = options.cwd ?? process.cwd();
  const found = [...new Set(globs.flatMap((glob) => matches(glob, cwd)))];
  for (const file of found) await importModule(file);
  return found;
}

const MODULE = /\.[cm]?[jt]s$/;

function matches(glob: string, cwd: string): readonly string[] {
  const path = resolve(cwd, glob).replaceAll('\\', '/');
  if (!/[*?]/.test(glob)) return modulesAt(path);
  const firm = path.slice(0, path.lastIndexOf('/', path.search(/[*?]/)));
  const pattern = patternOf(path);
  return filesBelow(firm)
    .filter((file) => pattern.test(file.replaceAll('\\', '/')))
    .flatMap((file) => modulesAt(file));
}

/** A module itself; in a folder the module `tasks`. Declarations (`.d.ts`) are none. */
function modulesAt(path: string): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() === true) return MODULE.test(path) && !/\.d\.[cm]?ts$/.test(path) ? [path] : [];
  return [path, join(path, 'tasks')]
    .flatMap((stem) => ['.ts', '.js', '.mts', '.mjs', '.cjs'].map((extension) => `${stem}${extension}`))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
    .slice(0, 1);
}

function patternOf(path: string): RegExp {
  const source = path.replaceAll(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    return part === '?' ? '[^/]' : `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}

/** Everything below a folder but what was installed, in a fixed order. */
function filesBelow(folder: string): readonly string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => !relative(folder, path).split(sep).includes('node_modules'))
    .sort();
}
