// The TypeScript side of the interop table: the same tasks as python/proj.py, name by name.
import { Celery, Ignore, Reject } from 'celeriac';

export const app = new Celery('proj', {
  broker: process.env['INTEROP_BROKER']!,
  backend: process.env['INTEROP_BACKEND']!,
  acceptContent: ['json', 'msgpack', 'yaml'],
  resultExtended: true,
  taskDefaultQueue: 'ts',
});

class Broken extends Error {
  override name = 'Broken';
}
class ValueError extends Error {}
class KeyError extends Error {}
app.registerError(ValueError, 'builtins.ValueError').registerError(KeyError, 'builtins.KeyError');
const sleepMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

app.task('proj.add', (x: number, y: number) => x + y);
app.task('proj.defaults', (a: unknown, b: unknown = 2, c: unknown = 'x') => [a, b, c]);
app.task('proj.rest', { params: ['first', '...others', '**'], bind: true }, (self, first: unknown, ...others: unknown[]) => [
  first,
  others,
  self.request.kwargs,
]);
app.task('proj.echo', (value: unknown) => value);
app.task('proj.fail', (kind: 'value' | 'type' | 'key' | 'own', message: string) => {
  throw new { value: ValueError, type: TypeError, key: KeyError, own: Broken }[kind](message);
});
app.task('proj.retry', { bind: true, maxRetries: 5, defaultRetryDelay: 0.1 }, (self, times: number) => {
  if (self.request.retries < times) throw self.retry({ exc: new ValueError(`attempt ${self.request.retries}`), countdown: 0.1 });
  return self.request.retries;
});
app.task('proj.give_up', { bind: true, maxRetries: 1 }, (self) => {
  throw self.retry({ exc: new ValueError('never works'), countdown: 0.1 });
});
app.task('proj.request', { bind: true }, (self) => {
  const r = self.request;
  return {
    id: r.id,
    root_id: r.rootId,
    parent_id: r.parentId,
    group: r.group,
    retries: r.retries,
    priority: r.deliveryInfo.priority,
    routing_key: r.deliveryInfo.routingKey,
    tenant: (r.headers['tenant'] as string | undefined) ?? null,
    timelimit: [r.timeLimit, r.softTimeLimit],
  };
});
app.task(
  'proj.parent',
  { bind: true },
  async (self, task: string, args: unknown[]) => (await self.app.sendTask(task, args, { queue: self.request.deliveryInfo.routingKey })).id,
);
app.task('proj.sleep', async (seconds: number) => {
  await sleepMs(seconds * 1000);
  return seconds;
});
app.task('proj.ignored', { ignoreResult: true }, (x: number) => x);
app.task('proj.custom', { bind: true }, async (self, seconds: number) => {
  await self.updateState({ state: 'PROGRESS', meta: { done: 1, total: 2 } });
  await sleepMs(seconds * 1000);
  return 'done';
});
app.task('proj.reject', () => {
  throw new Reject('no', { requeue: false });
});
app.task('proj.ignore_me', () => {
  throw new Ignore();
});
app.task('proj.replace', { bind: true }, (self, x: number): number =>
  self.replace(
    self.app.signature<(x: number, y: number) => number>('proj.add', { args: [x, 100], options: { queue: self.request.deliveryInfo.routingKey } }) as never,
  ),
);
app.task('proj.now', () => Date.now() / 1000);
app.task('proj.failed_id', (taskId: string) => taskId);
