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
const figure =
  (name: string, pick: (figures: Figures) => number | undefined, unit: string, test: (value: number) => boolean, wanted: string): Bar =>
  (table) => {
    const value = table.get(name) === undefined ? undefined : pick(table.get(name)!);
    return value === undefined ? [] : [{ text: `${name}: ${value.toFixed(2)} ${unit} (${wanted})`, holds: test(value) }];
  };

/** The first bar of speed: as ratios where a peer is there, since the machine is shared. */
export const bars: readonly Bar[] = [
  ratio('drain c=100: celeriac', 'drain c=100: bullmq', 2),
  ratio('enqueue bulk: celeriac', 'enqueue bulk: bullmq', 3),
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
];
