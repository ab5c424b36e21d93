import { register as registerHooks } from 'node:module';

/**
 * Teaches this thread's `import()` TypeScript by way of tsx. False when tsx is not installed. Never `tsImport`: it would load the library once more for each file.
 * In a package without `"type": "module"` tsx would make CommonJS of TypeScript, and with it a second copy of this library: the hooks of our own keep it ESM.
 */
export async function registerTsx(): Promise<boolean> {
  try {
    const { register } = await import('tsx/esm/api');
    register();
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return false;
    throw error;
  }
  registerHooks(`./tsx-hooks${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return true;
}
