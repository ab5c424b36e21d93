/** One row of the benchmark: what is run, on what, with how many messages. */
export interface Variant {
  readonly name: string;
  readonly on: 'redis' | 'sqlite' | 'rabbitmq';
  /** On RabbitMQ: where results go. Nowhere when it is left out. */
  readonly results?: 'rpc' | 'redis';
  /** A file of trials/, or Python's. */
  readonly command: string;
  readonly args: readonly string[];
  readonly n: number;
  readonly env?: Readonly<Record<string, string>>;
}

const redis = (name: string, command: string, args: readonly string[], n: number, env?: Readonly<Record<string, string>>): Variant => ({
  name,
  on: 'redis',
  command,
  args,
  n,
  ...(env && { env }),
});
const sqlite = (name: string, command: string, args: readonly string[], n: number, env?: Readonly<Record<string, string>>): Variant => ({
  name: `sqlite: ${name}`,
  on: 'sqlite',
  command,
  args,
  n,
  ...(env && { env }),
});
const rabbit = (name: string, command: string, args: readonly string[], n: number, more: Pick<Variant, 'results' | 'env'> = {}): Variant => ({
  name: `rabbitmq: ${name}`,
  on: 'rabbitmq',
  command,
  args,
  n,
  ...more,
});
const publish = (client: string): Variant =>
  rabbit(`publish, 200 in flight: ${client === 'ours' ? 'our client' : client}`, 'amqp-publish.ts', [`--client=${client}`], 30_000);
/** 64 messages ahead for each slot: with Celery's own 4 its two processes would wait for the broker. */
const celery = (pool: string, env: Readonly<Record<string, string>> = {}): Variant =>
  rabbit(`drain ${pool}: celery`, 'python', [`drain-${pool}`], 5_000, { env: { BENCH_PREFETCH: '64', ...env } });

/** The same workflows by both, a fifth as many by Celery. */
const canvas = (name: string, shape: string, n: number): readonly Variant[] => [
  redis(`${name}: celeriac`, 'celeriac-canvas.ts', [`--shape=${shape}`], n),
  redis(`${name}: celery`, 'python', [`canvas-${shape}`], n / 5),
];

export const variants: readonly Variant[] = [
  redis('enqueue serial: celeriac', 'celeriac-enqueue.ts', ['--mode=serial'], 20_000),
  redis('enqueue serial: bullmq', 'bullmq.ts', ['--do=serial'], 20_000),
  redis('enqueue serial: celery', 'python', ['serial'], 2_000),
  redis('enqueue 50 in flight: celeriac', 'celeriac-enqueue.ts', ['--mode=inflight'], 50_000),
  redis('enqueue 50 in flight: bullmq', 'bullmq.ts', ['--do=inflight'], 30_000),
  redis('enqueue bulk: raw', 'raw.ts', ['--do=enqueue'], 100_000),
  redis('enqueue bulk: celeriac', 'celeriac-enqueue.ts', ['--mode=bulk'], 100_000),
  redis('enqueue bulk: bullmq', 'bullmq.ts', ['--do=bulk'], 50_000),
  redis('drain: raw', 'raw.ts', ['--do=drain'], 100_000),
  redis('drain c=100: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000),
  redis('drain c=100: bullmq', 'bullmq.ts', ['--do=drain', '--c=100'], 30_000),
  redis('drain c=100, no result: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000, { BENCH_NO_RESULT: '1' }),
  redis('drain c=10: celeriac', 'celeriac-drain.ts', ['--c=10'], 50_000),
  redis('drain c=10: bullmq', 'bullmq.ts', ['--do=drain', '--c=10'], 30_000),
  redis('drain prefork 2: celeriac', 'celeriac-drain.ts', ['--pool=prefork', '--c=2'], 30_000),
  redis('drain prefork 2: celery', 'python', ['drain'], 2_000),
  redis('round trip: celeriac', 'celeriac-roundtrip.ts', [], 1_000),
  redis('round trip: bullmq', 'bullmq.ts', ['--do=roundtrip'], 1_000),
  ...canvas('chord of 1,000', 'chord', 10_010),
  ...canvas('chain of 100', 'chain', 4_000),
  ...canvas('10 layers of 10', 'dag', 4_400),
  sqlite('enqueue serial', 'celeriac-enqueue.ts', ['--mode=serial'], 10_000),
  sqlite('enqueue 50 in flight', 'celeriac-enqueue.ts', ['--mode=inflight'], 30_000),
  sqlite('drain while being filled', 'celeriac-drain.ts', ['--c=100', '--filling=1'], 30_000),
  sqlite('round trip', 'celeriac-roundtrip.ts', [], 1_000),
  rabbit('drain: bare', 'amqp-bare.ts', [], 50_000),
  rabbit('drain c=100: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000),
  rabbit('drain c=100, acks late: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000, { env: { BENCH_ACKS_LATE: '1' } }),
  rabbit('drain c=100, results in redis: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000, { results: 'redis' }),
  rabbit('drain c=100, results in redis, acks late: celeriac', 'celeriac-drain.ts', ['--c=100'], 50_000, { results: 'redis', env: { BENCH_ACKS_LATE: '1' } }),
  rabbit('drain c=100, results by rpc: celeriac', 'celeriac-drain.ts', ['--c=100', '--caller=1'], 30_000, { results: 'rpc' }),
  rabbit('drain c=100, results by rpc, acks late: celeriac', 'celeriac-drain.ts', ['--c=100', '--caller=1'], 30_000, {
    results: 'rpc',
    env: { BENCH_ACKS_LATE: '1' },
  }),
  celery('prefork'),
  celery('threads'),
  celery('solo'),
  publish('ours'),
  publish('amqplib'),
  publish('rabbitmq-client'),
  publish('cloudamqp'),
  rabbit('round trip: bare', 'amqp-roundtrip.ts', [], 1_000),
  rabbit('round trip: celeriac', 'celeriac-roundtrip.ts', [], 1_000, { results: 'rpc' }),
];
