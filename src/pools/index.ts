import { ImproperlyConfigured } from '../errors.ts';
import type { PoolOptions } from './options.ts';
import type { Pool, PoolName } from './pool.ts';

export type { PoolOptions } from './options.ts';

/** A pool by its name; `gevent` and `eventlet` mean async, `processes` prefork. Only the pool asked for is loaded. */
export async function createPool(name: PoolName, options: PoolOptions): Promise<Pool> {
  switch (name) {
    case 'async':
    case 'gevent':
    case 'eventlet': {
      const { AsyncPool } = await import('./async.ts');
      return new AsyncPool(options);
    }
    case 'solo': {
      const { AsyncPool } = await import('./async.ts');
      return new AsyncPool({ ...options, concurrency: 1 }, 'solo');
    }
    case 'prefork':
    case 'processes': {
      const { createProcessPool } = await import('./processes/pool.ts');
      return createProcessPool(options);
    }
    case 'threads': {
      const { createThreadPool } = await import('./threads/pool.ts');
      return createThreadPool(options);
    }
    default:
      throw new ImproperlyConfigured(
        `no pool is called ${JSON.stringify(name)}; there are async, prefork, threads and solo (gevent and eventlet mean async, processes prefork)`,
      );
  }
}
