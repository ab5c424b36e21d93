import { readFileSync } from 'node:fs';
import type { ResolveHook } from 'node:module';

/** A TypeScript file that is written as a module is one, whatever the package.json above it says. Runs in Node's thread for module hooks. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const found = await nextResolve(specifier, context);
  // Without "type" the format may be undefined here, to be told from the source later: tsx would take that for CommonJS.
  return found.format?.startsWith('module') !== true && isModule(found.url) ? { ...found, format: 'module' } : found;
};

function isModule(address: string): boolean {
  const url = new URL(address);
  url.search = '';
  return url.protocol === 'file:' && /\.tsx?$/.test(url.pathname) && /^\s*(?:import|export)\b/m.test(readFileSync(url, 'utf8'));
}
