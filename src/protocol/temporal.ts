import { createRequire } from 'node:module';
import type { Temporal } from 'temporal-polyfill';

const require = createRequire(import.meta.url);

/** Temporal: Node's own where it has it, else the polyfill. Loaded when the first date or time is met, for it takes 30 ms. */
export const temporal = (): typeof Temporal => (require('temporal-polyfill') as { readonly Temporal: typeof Temporal }).Temporal;
