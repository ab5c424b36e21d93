// Real Celery on the other side: every case of the table in four pairs of producer and worker, over each broker with each result store.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Value } from '../../src/protocol/json.ts';
import { cases, type Case, type Outcome } from './cases.ts';
import { rabbitVhost } from '../support/rabbitmq.ts';
import { startProducer, startWorker, type Producer, type Urls, type WorkerProgram } from './processes.ts';

const redis = process.env['CELERIAC_TEST_REDIS'];
const versions = [
  ['Celery 5.7.0', process.env['CELERIAC_TEST_PYTHON']],
  ['Celery 5.6.3', process.env['CELERIAC_TEST_PYTHON_OLD']],
] as const;
/** Where tasks and results travel: of each version's own, as the workers have the same names. */
const roads: readonly { readonly name: string; open(version: number): Promise<Urls | undefined> }[] = [
  {
    name: 'Redis',
    open: async (version) => (redis === undefined ? undefined : { broker: `${redis}/${10 + 2 * version}`, backend: `${redis}/${11 + 2 * version}` }),
  },
  {
    name: 'RabbitMQ with results in Redis',
    async open(version) {
      const vhost = await rabbitVhost();
      return vhost === undefined || redis === undefined ? undefined : { broker: vhost.url, backend: `${redis}/${11 + 2 * version}` };
    },
  },
  {
    name: 'RabbitMQ with results by rpc',
    async open() {
      const vhost = await rabbitVhost();
      return vhost === undefined ? undefined : { broker: vhost.url, backend: 'rpc://' };
    },
  },
];
const languages = ['ts', 'py'] as const;
const name = { ts: 'TypeScript', py: 'Python' };

for (const road of roads) for (const [number, [version, python]] of versions.entries()) await describeInterop(road, number, version, python);

async function describeInterop(road: (typeof roads)[number], number: number, version: string, python: string | undefined): Promise<void> {
  const urls = python === undefined ? undefined : await road.open(number);
  if (urls === undefined || python === undefined) {
    if (number === 0)
      test.skip(`interop with ${version} over ${road.name}: CELERIAC_TEST_PYTHON or the servers' addresses are not set (npm test sets them where it can)`, () =>
        undefined);
    return;
  }
  describe(`${version}, ${road.name}`, { timeout: 60_000 }, () => {
    const workers = {} as Record<'ts' | 'py', WorkerProgram>;
    const producers = {} as Record<'ts' | 'py', Producer>;
    beforeAll(async () => {
      await Promise.all(
        languages.flatMap((language) => [
          startWorker(language, python, urls).then((worker) => (workers[language] = worker)),
          startProducer(language, python, urls).then((producer) => (producers[language] = producer)),
        ]),
      );
    }, 60_000);
    afterAll(async () => {
      for (const producer of Object.values(producers)) producer.close();
      await Promise.all(Object.values(workers).map((worker) => worker.stop()));
    });

    for (const from of languages)
      for (const to of languages)
        describe(`${name[from]} sends, ${name[to]} runs`, () => {
          const lost = urls.backend === 'rpc://' ? [...(from === 'py' ? ['producer'] : []), ...(to === 'py' ? ['worker'] : [])] : [];
          const told = cases
            .filter(({ lostOverRpcByPython: by }) => by === undefined || !lost.includes(by))
            .filter(({ with56 }) => !(number === 1 && with56 === 'rpc' && urls.backend === 'rpc://' && (from === 'py' || to === 'py')))
            .map((row) => (number === 1 ? asWith56(row, from, to) : row));
          test.concurrent.each(told)('$name', { timeout: 60_000 }, (row) => check(row, producers[from], workers[to].queue));
        });

    for (const from of languages)
      test(`inspect ping from ${name[from]} reaches both workers`, async () => {
        const replies = (await producers[from].ask({ do: 'inspect', method: 'ping', timeout: 2 })) as Record<string, Value>;
        expect(Object.keys(replies).sort()).toEqual(['py@interop', 'ts@interop']);
        expect(replies['ts@interop']).toEqual({ ok: 'pong' });
      });

    for (const from of languages)
      for (const to of languages)
        test(`control revoke with terminate from ${name[from]} ends a running task of ${name[to]}: whoever runs it has the last word`, async () => {
          const id = randomUUID();
          // It has stored a state of its own: then a bystander, who hears the revoke too, stores nothing (celery-5.7.md 1, 9). Celery 5.6 stores "revoked" all the same.
          await producers[from].ask({ do: 'call', id, task: 'proj.custom', args: [50], kwargs: {}, options: { queue: to } });
          await expect.poll(async () => (await outcomeOf(producers[from], id, 0)).state, { timeout: 20_000 }).toBe('PROGRESS');
          await producers[from].ask({ do: 'revoke', id, terminate: true });
          const outcome = await outcomeOf(producers[from], id, 20);
          expect(outcome).toMatchObject({ state: 'REVOKED', error: { type: 'TaskRevokedError', ...(number === 0 ? { message: ['terminated'] } : null) } });
          const line = to === 'ts' ? `Task proj.custom[${id}] was terminated` : `Terminating ${id} (`;
          await expect.poll(() => workers[to].output(), { timeout: 20_000 }).toContain(line);
        });

    test('control shutdown from Python stops our worker, with exit code 0', async () => {
      const ended = new Promise((resolve) => workers.ts.child.on('exit', resolve));
      await producers.py.ask({ do: 'shutdown', destination: [workers.ts.hostname] });
      expect(await ended).toBe(0);
      workers.ts = await startWorker('ts', python, urls);
    });
  });
}

/** What Celery 5.6 does differently. */
function asWith56(row: Case, from: 'ts' | 'py', to: 'ts' | 'py'): Case {
  const { with56, staysPending: _, ...others } = row;
  if (with56 === undefined || with56 === 'rpc' || (with56.side === 'worker' ? to : from) !== 'py') return row;
  return { ...others, expect: with56.expect, ...(with56.staysPending === undefined ? {} : { staysPending: with56.staysPending }) };
}

/** Carries one row out and compares what came of it. */
async function check(row: Case, producer: Producer, queue: string): Promise<void> {
  const id = randomUUID();
  const linked = new Map<number, string>();
  const idOf = (n: number): string => linked.get(n) ?? (linked.set(n, randomUUID()), linked.get(n)!);
  const call = row.call({ queue, id: idOf });
  const started = performance.now();
  await producer.ask({ do: 'call', id, task: call.task, args: call.args ?? [], kwargs: call.kwargs ?? {}, options: { queue, ...call.options } });
  if (row.revoke === true) await producer.ask({ do: 'revoke', id });
  if (row.staysPending !== undefined) await new Promise((resolve) => setTimeout(resolve, row.staysPending! * 1000));
  const outcome = await outcomeOf(producer, id, row.staysPending === undefined ? 20 : 0);
  expect(outcome.state, JSON.stringify(outcome.error)).toBe(row.expect.state ?? 'SUCCESS');
  const { result } = row.expect;
  if (typeof result === 'function') expect(result(outcome.result, id), JSON.stringify(outcome.result)).toBe(true);
  else if (result !== undefined) expect(comparable(outcome.result)).toEqual(comparable(result));
  if (row.expect.error !== undefined) expect(outcome.error).toMatchObject(row.expect.error);
  if (row.expect.children !== undefined) expect(outcome.children).toHaveLength(row.expect.children);
  if (row.atLeast !== undefined) expect((performance.now() - started) / 1000).toBeGreaterThanOrEqual(row.atLeast);
  for (const [n, wanted] of Object.entries(row.expect.linked ?? {})) {
    const follow = await outcomeOf(producer, idOf(Number(n)), wanted.state === 'PENDING' ? 0.5 : 20);
    expect(follow.state, JSON.stringify(follow.error)).toBe(wanted.state ?? 'SUCCESS');
    if (wanted.result !== undefined) expect(follow.result).toEqual(wanted.result === 'the first task’s id' ? id : wanted.result);
    if (wanted.hasParent === true) expect(follow.parent_id).toBe(id);
  }
}

/** What is stored of a task: looked at until it is final, or `timeout` (s) has passed. */
async function outcomeOf(producer: Producer, id: string, timeout: number): Promise<Outcome> {
  for (const end = performance.now() + timeout * 1000; ; await new Promise((resolve) => setTimeout(resolve, 25))) {
    const outcome = (await producer.ask({ do: 'outcome', id })) as unknown as Outcome;
    if (['SUCCESS', 'FAILURE', 'REVOKED'].includes(outcome.state) || performance.now() > end) return outcome;
  }
}

/** Values with hidden state, as text beside their kind. */
function comparable(value: Value): unknown {
  if (value instanceof Date) return ['Date', value.getTime()];
  if (value instanceof Uint8Array) return ['bytes', ...value];
  if (typeof value === 'object' && value !== null && value.constructor !== Object && !Array.isArray(value)) return [value.constructor.name, String(value)];
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item as Value)]));
  return value;
}
