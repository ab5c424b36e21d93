import { describe, expect, test } from 'vitest';
import { admit, admitToStart, momentMs } from './admission.ts';
import type { AdmissionFacts } from './admission.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const facts = (change: Partial<AdmissionFacts> = {}): AdmissionFacts => ({ isKnown: true, isRevoked: false, isRateLimited: false, now: () => NOW, ...change });
const at = (ms: number): string => new Date(NOW + ms).toISOString();
const headers = (change: { eta?: string; expires?: string } = {}) => ({ eta: null, expires: null, ...change });

describe('admit', () => {
  test('runs what asks for nothing special, without looking at the clock', () => {
    const now = (): number => {
      throw new Error('the clock was asked');
    };
    expect(admit(headers(), facts({ now }))).toEqual({ kind: 'run' });
  });

  test('an unknown task is unknown, whatever else it says', () => {
    expect(admit(headers({ eta: 'nonsense' }), facts({ isKnown: false, isRevoked: true }))).toEqual({ kind: 'unknown' });
  });

  test('dates that cannot be read make it invalid', () => {
    expect(admit(headers({ eta: 'tomorrow' }), facts()).kind).toBe('invalid');
    expect(admit(headers({ expires: 'never' }), facts()).kind).toBe('invalid');
  });

  test('revoked comes before expired, expired before waiting', () => {
    expect(admit(headers({ expires: at(-1) }), facts({ isRevoked: true })).kind).toBe('revoked');
    expect(admit(headers({ expires: at(0), eta: at(5000) }), facts()).kind).toBe('expired');
  });

  test('an eta in the future is waited for, one in the past is not', () => {
    expect(admit(headers({ eta: at(5000) }), facts({ isRateLimited: true }))).toEqual({ kind: 'wait-until', atMs: NOW + 5000 });
    expect(admit(headers({ eta: at(-5000) }), facts({ isRateLimited: true }))).toEqual({ kind: 'wait-for-token' });
  });
});

test('before the start, what was revoked or has expired since is caught', () => {
  expect(admitToStart(headers(), facts())).toBe('run');
  expect(admitToStart(headers({ expires: at(1) }), facts())).toBe('run');
  expect(admitToStart(headers({ expires: at(-1) }), facts())).toBe('expired');
  expect(admitToStart(headers(), facts({ isRevoked: true }))).toBe('revoked');
});

test.each([
  ['2026-11-22T12:00:00+00:00', 0],
  ['2026-11-22T12:00:00.250000+00:00', 250],
  ['2026-11-22T12:00:00Z', 0],
  ['2026-11-22T12:00:00.5', 500],
  ['2026-11-22T12:00:00', 0],
  ['2026-11-22T14:00:00+0200', 0],
  ['2026-11-22T14:00:00+02', 0],
  ['2026-11-22T07:00:00-05:00', 0],
])('reads %s as Celery does', (text, ms) => {
  expect(momentMs(text) - NOW).toBe(ms);
});
