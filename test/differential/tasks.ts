// The TypeScript side of the differential test: the same tasks as python/diff_tasks.py, name by name. Each run leaves a line in a list of its tree.
import { Celery, Ignore } from 'celeriac';
import { Redis } from 'ioredis';

/** The queue of those that a producer sends now; a worker's own is that of its language. */
export const sending = { queue: 'ts' };

export const app = new Celery('diff_tasks', {
  broker: process.env['INTEROP_BROKER']!,
  backend: process.env['INTEROP_BACKEND']!,
  resultExtended: true,
  taskDefaultQueue: 'ts',
  taskAcksLate: true,
  taskRoutes: () => ({ queue: sending.queue }),
});

class ValueError extends Error {}
app.registerError(ValueError, 'builtins.ValueError');

let redis: Redis | undefined;
const log = async (run: string, tag: string, args: readonly unknown[]): Promise<void> => {
  redis ??= new Redis(process.env['INTEROP_BACKEND']!);
  await redis.rpush(`runs:${run}`, JSON.stringify([tag, args]));
};
interface Named {
  readonly tag: string;
  readonly run: string;
  readonly times?: number;
}
const options = { params: ['...args', '**'], bind: true } as const;
const named = (self: { readonly request: { readonly kwargs: unknown } }): Named => self.request.kwargs as Named;

app.task('diff.node', options, async (self, ...args: any[]) => {
  const { tag, run } = named(self);
  await log(run, tag, args);
  return [tag, ...args];
});
app.task('diff.told', options, async (self, ...args: any[]) => {
  const { tag, run } = named(self);
  await log(run, tag, args);
  return [tag, ...args];
});
app.task('diff.fail', options, async (self, ...args: any[]) => {
  const { tag, run } = named(self);
  await log(run, tag, args);
  throw new ValueError(tag);
});
app.task('diff.flaky', { ...options, maxRetries: 3 }, async (self, ...args: any[]) => {
  const { tag, run, times } = named(self);
  await log(run, `${tag} again ${self.request.retries}`, args);
  if (self.request.retries < times!) throw self.retry({ exc: new ValueError(tag), countdown: 0 });
  return [tag, ...args];
});
app.task('diff.give_up', { ...options, maxRetries: 1 }, async (self, ...args: any[]) => {
  const { tag, run } = named(self);
  await log(run, `${tag} again ${self.request.retries}`, args);
  throw self.retry({ exc: new ValueError(tag), countdown: 0 });
});
app.task('diff.nothing', options, async (self, ...args: any[]) => {
  const { tag, run } = named(self);
  await log(run, tag, args);
  throw new Ignore();
});
export const one = app.task('diff.one', (x: number) => {
  if (x === 13) throw new ValueError('unlucky');
  return [x];
});
export const two = app.task('diff.two', (x: number, y: number) => {
  if (x === 13) throw new ValueError('unlucky');
  return [x, y];
});
