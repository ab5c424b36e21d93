import type { Service } from '../../kernel/service.ts';
import { createPool } from '../../pools/index.ts';
import type { WorkerParts } from './parts.ts';

/** Where tasks run. */
export function pool({ context, runner }: WorkerParts): Service {
  return {
    name: 'pool',
    requires: ['timer'],
    async start() {
      const { core, hostname, options } = context;
      const { appModule, concurrency, include, maxMemoryPerChildKb, maxTasksPerChild } = options;
      context.env = { ...(await core.env(hostname)), signal: context.stopped };
      // Its only slot would be the one that the other task needs.
      if (options.pool === 'solo') core.setJoinBlocks(true);
      context.pool = await createPool(options.pool, {
        core,
        hostname,
        concurrency,
        include,
        maxMemoryPerChildKb,
        maxTasksPerChild,
        ...(appModule === undefined ? {} : { appModule }),
      });
      context.pool.onRoom(() => runner.dispatch());
      await context.pool.start();
    },
    // Safe before the start: then there is none.
    stop: async (deadline) => (context.pool as typeof context.pool | undefined)?.stop(deadline),
    info: () => context.pool.info?.() ?? {},
  };
}
