import { register as registerHooks } from 'node:module';

/**
 * Teaches this thread's `import()` TypeScript by way of tsx. False when tsx is not installed. Never `tsImport`: it would load the library once more for each file.
 * In a package without `"type": "module"` tsx would make CommonJS of TypeScript, and with it a second copy of this library and of the user's own modules.
 * Hooks of our own keep it ESM; they are registered first, so that tsx asks them.
 */
export async function registerTsx(): Promise<boolean> {
  const tsx = await import('tsx/esm/api').catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  });
  if (tsx === undefined) return false;
  registerHooks(`./tsx-hooks${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  tsx.register();
  return true;
}
