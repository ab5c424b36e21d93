import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ImproperlyConfigured } from '../errors.ts';
import type { ChildConfig } from './child/port.ts';
import type { PoolOptions } from './options.ts';

/** A child's program: built beside us as JavaScript, or in TypeScript when we run from source; then it needs tsx. */
export interface Entry {
  readonly path: string;
  readonly url: string;
  /** URL of tsx's loader, by `--import`, and of its API; undefined where none is needed. */
  readonly tsx: { readonly loader: string; readonly api: string } | undefined;
}

export function entryBeside(metaUrl: string, name: string): Entry {
  const isSource = metaUrl.endsWith('.ts');
  const url = new URL(`./${name}${isSource ? '.ts' : '.js'}`, metaUrl).href;
  return { url, path: fileURLToPath(url), tsx: isSource ? tsxUrls(metaUrl) : undefined };
}

function tsxUrls(metaUrl: string): NonNullable<Entry['tsx']> {
  const require = createRequire(metaUrl);
  const manifest = require.resolve('tsx/package.json');
  const { exports } = require(manifest) as { readonly exports: Readonly<Record<'./esm/api', { readonly import: { readonly default: string } }>> };
  // `require.resolve` would give the CommonJS form, which cannot be imported.
  const api = new URL(exports['./esm/api'].import.default, pathToFileURL(manifest)).href;
  return { loader: pathToFileURL(require.resolve('tsx')).href, api };
}

export function childConfig(options: PoolOptions, pool: string): ChildConfig {
  const { appModule, bootstrap, hostname, include = [] } = options;
  if (appModule === undefined) {
    throw new ImproperlyConfigured(
      `the ${pool} pool must know what its children load: start the worker with -A, or pass appModule: import.meta.url (the module that exports the app) to new Worker`,
    );
  }
  return { appModule, include, bootstrap: bootstrap ?? null, hostname, reportsMemory: (options.maxMemoryPerChildKb ?? null) !== null };
}

/** Flags of this process that its children should run with: memory limits and loaders, but neither its debugger nor its program. */
export function inheritedFlags(): string[] {
  return process.execArgv.filter((flag) => !/^--(?:inspect|debug|eval|print|input-type|test|watch)|^-[epi]$/.test(flag));
}
