/** Seconds as a number, or a number with its unit: `'250ms'`, `'10s'`, `'5m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration; undefined when it is not one (`'10 sec'`, NaN). */
export function durationMs(duration: unknown): number | undefined {
  if (typeof duration === 'number') return Number.isNaN(duration) ? undefined : duration * 1000;
  if (typeof duration !== 'string') return undefined;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(ms|s|m|h|d)$/.exec(duration);
  return match === null ? undefined : Number(match[1]) * UNITS[match[2]!]!;
}
