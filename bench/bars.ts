import type { Figures } from './trials/measure.ts';

export type Table = ReadonlyMap<string, Figures>;
export interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}
type Bar = (table: Table) => readonly Verdict[];

/** `a` per second is at least `least` times that of `b`, both measured in this run. */
const ratio =
  (a: string, b: string, least: number): Bar =>
  (table) => {
    const [x, y] = [table.get(a), table.get(b)];
    if (x === undefined || y === undefined) return [];
    const times = x.perSecond / y.perSecond;
    return [{ text: `${a} is ${times.toFixed(2)}x ${b} (at least ${least}x)`, holds: times >= least }];
  };
/** Names of rows, the best of which is meant: the fastest, or the one that costs least. */
const best = (table: Table, names: readonly string[], by: (figures: Figures) => number): string | undefined =>
  names.filter((name) => table.has(name)).toSorted((a, b) => by(table.get(b)!) - by(table.get(a)!))[0];
/** `a` per second is at least `least` times that of the fastest of `others`. */
const ratioToBest =
  (a: string, others: readonly string[], least: number): Bar =>
  (table) => {
    const fastest = best(table, others, (figures) => figures.perSecond);
    return fastest === undefined ? [] : ratio(a, fastest, least)(table);
  };
/** The processor time of `a` fits at least `least` times into that of the cheapest of `others`. */
const cheaper =
  (a: string, others: readonly string[], least: number): Bar =>
  (table) => {
    const other = best(table, others, (figures) => -figures.clientUs);
    const [x, y] = [table.get(a), other === undefined ? undefined : table.get(other)];
    if (x === undefined || y === undefined) return [];
    const times = y.clientUs / x.clientUs;
    return [{ text: `${a} costs ${times.toFixed(2)} times less processor time than ${other} (at least ${least})`, holds: times >= least }];
  };
/** The median latency of `a` is at most `most` times that of `b`. */
const latency =
  (a: string, b: string, most: number): Bar =>
  (table) => {
    const [x, y] = [table.get(a)?.p50Ms, table.get(b)?.p50Ms];
    if (x === undefined || y === undefined) return [];
    return [{ text: `${a}: ${(x / y).toFixed(2)}x the median of ${b} (at most ${most}x)`, holds: x / y <= most }];
  };
const figure =
  (name: string, pick: (figures: Figures) => number | undefined, unit: string, test: (value: number) => boolean, wanted: string): Bar =>
  (table) => {
    const value = table.get(name) === undefined ? undefined : pick(table.get(name)!);
    return value === undefined ? [] : [{ text: `${name}: ${value.toFixed(2)} ${unit} (${wanted})`, holds: test(value) }];
  };

const celeryPools = ['prefork', 'threads', 'solo'].map((pool) => `rabbitmq: drain ${pool}: celery`);

/** The first bar of speed: as ratios where a peer is there, since the machine is shared. */
export const bars: readonly Bar[] = [
  ratio('drain c=100: celeriac', 'drain c=100: bullmq', 2),
  ratio('enqueue bulk: celeriac', 'enqueue bulk: bullmq', 3),
  ratio('chord of 1,000: celeriac', 'chord of 1,000: celery', 10),
  ratio('chain of 100: celeriac', 'chain of 100: celery', 10),
  ratio('10 layers of 10: celeriac', '10 layers of 10: celery', 10),
  ratio('enqueue 50 in flight: celeriac', 'enqueue 50 in flight: bullmq', 3),
  ratio('enqueue serial: celeriac', 'enqueue serial: bullmq', 1),
  ratio('drain prefork 2: celeriac', 'drain c=100: bullmq', 1),
  ratio('drain prefork 2: celeriac', 'drain prefork 2: celery', 1),
  figure(
    'round trip: celeriac',
    (f) => f.p50Ms,
    'ms p50',
    (ms) => ms <= 1,
    'at most 1 ms',
  ),
  figure(
    'sqlite: drain while being filled',
    (f) => f.perSecond,
    'tasks/s',
    (rate) => rate >= 8000,
    'at least 8,000/s',
  ),
  figure(
    'drain c=100: celeriac',
    (f) => f.rssMb,
    'MB',
    (mb) => mb <= 120,
    'at most 120 MB',
  ),
  // The broker takes three quarters of the processor time of a bare loop's message: docs/decisions/0008.
  ratio('rabbitmq: drain c=100: celeriac', 'rabbitmq: drain: bare', 0.8),
  ratio('rabbitmq: drain c=100, acks late: celeriac', 'rabbitmq: drain: bare', 0.8),
  ...['results in redis', 'results in redis, acks late', 'results by rpc', 'results by rpc, acks late'].map((how) =>
    ratio(`rabbitmq: drain c=100, ${how}: celeriac`, 'rabbitmq: drain: bare', 0.8),
  ),
  ratioToBest('rabbitmq: drain c=100: celeriac', celeryPools, 8),
  cheaper(
    'rabbitmq: publish, 200 in flight: our client',
    ['amqplib', 'rabbitmq-client', 'cloudamqp'].map((client) => `rabbitmq: publish, 200 in flight: ${client}`),
    1.5,
  ),
  latency('rabbitmq: round trip: celeriac', 'rabbitmq: round trip: bare', 1.3),
];
