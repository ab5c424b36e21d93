import type { SettingsInput } from '../config/settings/index.ts';
import { moduleSettings } from '../config/sources.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { importModule } from './import-module.ts';

/** The settings of a module, by its path. One that cannot be loaded is ImproperlyConfigured; with `silent` whatever goes wrong is as if nothing were in it. */
export async function configurationModule(
  path: string,
  { namespace, silent = false }: { readonly namespace?: string | undefined; readonly silent?: boolean | undefined },
): Promise<SettingsInput> {
  try {
    const module = await importModule(path).catch((error: unknown) => {
      throw new ImproperlyConfigured(`the configuration module ${path} could not be loaded: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    });
    return moduleSettings(module, { namespace });
  } catch (error) {
    if (silent) return {};
    throw error;
  }
}
