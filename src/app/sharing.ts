import type { Core } from './app-core.ts';

const shared = new WeakMap<object, Core>();

/** Options with which `new Celery` makes another face of an app that there is: what one does, the other has done. For tests. */
export function sharing<O extends object>(core: Core, options: O): O {
  shared.set(options, core);
  return options;
}

export const sharedCore = (options: object): Core | undefined => shared.get(options);
