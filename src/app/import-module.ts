import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { registerTsx } from '../clients/tsx.ts';
import { ImproperlyConfigured } from '../errors.ts';

export type LoadedModule = Readonly<Record<string, unknown>>;

/**
 * Loads a module of the user's, TypeScript too: with Node's own type stripping where it has it and the file needs no more, else with tsx.
 * The same in the parent and in children; in a worker thread it must be called in that thread.
 */
export async function importModule(path: string | URL): Promise<LoadedModule> {
  const url = typeof path === 'string' && !path.startsWith('file:') ? pathToFileURL(path) : new URL(path);
  url.hash = '';
  const file = fileURLToPath(url);
  if (extname(file) === '.json') return (await import(url.href, { with: { type: 'json' } })) as LoadedModule;
  if (isTypeScript(file)) {
    if (!readsTypeScript()) await needTsx(file);
    else if (!loader.isTsx && isUndeclaredModule(file)) loader.isTsx = await registerTsx();
  }
  try {
    return (await import(url.href)) as LoadedModule;
  } catch (error) {
    // Enums, decorators, paths without extension: those need tsx.
    if (!isTypeScript(file) || loader.isTsx || !wantsTsx(error)) throw error;
    await needTsx(file, error);
    return (await import(url.href)) as LoadedModule;
  }
}

export const isTypeScript = (path: string): boolean => /^\.[cm]?tsx?$/.test(extname(path));

/** Loaders stay for the life of the thread. Whoever was started by `--import tsx` has one already. */
const loader = { isTsx: process.execArgv.some((arg) => /(?:^|[/=])tsx(?:[/@]|$)/.test(arg)) };

/** Node says so itself. */
const readsTypeScript = (): boolean => loader.isTsx || Boolean((process.features as { readonly typescript?: string | false }).typescript);

/**
 * ESM in a package that does not say so: Node would take it for CommonJS first, warn, and keep the failure of what then needs tsx after all.
 * So tsx is asked beforehand, where it is installed.
 */
function isUndeclaredModule(file: string): boolean {
  return !file.endsWith('.mts') && !isModulePackage(file) && /^\s*(?:import|export)\b/m.test(readFileSync(file, 'utf8'));
}

function isModulePackage(file: string): boolean {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return /"type"\s*:\s*"module"/.test(readFileSync(manifest, 'utf8'));
    if (dirname(folder) === folder) return false;
  }
}

async function needTsx(file: string, cause?: unknown): Promise<void> {
  if (loader.isTsx) return;
  if (!(await registerTsx())) {
    const reason =
      cause instanceof Error ? `this Node cannot run it as it is (${cause.message})` : `Node ${process.versions.node} does not run TypeScript here`;
    throw new ImproperlyConfigured(`${file}: ${reason}. Install tsx (npm install tsx), or compile it to JavaScript.`, { cause });
  }
  loader.isTsx = true;
}

function wantsTsx(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return error instanceof SyntaxError || (code !== undefined && BEYOND_STRIPPING.includes(code));
}
const BEYOND_STRIPPING = ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'ERR_INVALID_TYPESCRIPT_SYNTAX', 'ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT'];
