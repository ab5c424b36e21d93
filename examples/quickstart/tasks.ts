// The tasks of the quickstart: an app, and five ordinary tasks. `celeriac -A examples/quickstart/tasks.ts worker` runs them.
import { Celery } from 'celeriac';

/** No broker and no backend given: an embedded SQLite file beside package.json is both. */
export const app = new Celery('quickstart');

/** A plain function. */
export const add = app.task('quickstart.add', (x: number, y: number) => x + y);

/** Its parameters can be given by name, from Python too: `greet.delay(name='Ada', polite=True)`. */
export const greet = app.task('quickstart.greet', (name: string, polite = false) => (polite ? `Good morning, ${name}` : `Hi ${name}`));

/** Async, and says how far it is. */
export const resizeAll = app.task('quickstart.resizeAll', { bind: true }, async (self, files: readonly string[]) => {
  for (const [index, file] of files.entries()) {
    await self.progress(index, files.length, file);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  return { resized: files.length };
});

/** Fails twice, then works: each failure is tried again, a little later each time. */
export const flaky = app.task(
  'quickstart.flaky',
  { bind: true, maxRetries: 5, autoretryFor: [Error], retryBackoff: () => '300ms' },
  async (self, city: string) => {
    if (self.request.retries < 2) throw new Error(`${city} does not answer`);
    return `${city}: 21 degrees, at attempt ${self.request.retries + 1}`;
  },
);

/** Fails for good: the caller's `get()` throws. */
export const charge = app.task('quickstart.charge', (cents: number) => {
  if (cents <= 0) throw new RangeError(`cannot charge ${cents} cents`);
  return cents;
});
