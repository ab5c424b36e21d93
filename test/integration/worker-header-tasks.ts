/* The app of `worker-amqp-headers.test.ts`; children of prefork load it too. */
import { inspect } from 'node:util';
import { Celery } from '../../src/app/celery.ts';
import { silentLogger } from '../../src/kernel/logger.ts';

export const newApp = (broker: string, queue: string): Celery => {
  const app = new Celery('proj', { broker, backend: 'memory://', taskDefaultQueue: queue, log: silentLogger });
  app.task('proj.header', function () {
    return inspect(this.request.headers['odd'], { depth: null });
  });
  return app;
};

/** What children load: they have no connections of their own. */
export const app = newApp('memory://', 'unused');
