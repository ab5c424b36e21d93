/** The n-th wait (n from 0) of an exponential back-off: `factor * 2^n` up to `max`, both in ms; with `jitter`, a random part of it (Celery's full jitter). */
export function exponentialBackoffMs(
  n: number,
  options: { readonly factorMs: number; readonly maxMs: number; readonly jitter?: boolean; readonly random?: () => number },
): number {
  const whole = Math.min(options.maxMs, options.factorMs * 2 ** n);
  return Math.max(0, options.jitter === true ? Math.floor((options.random ?? Math.random)() * (whole + 1)) : whole);
}
