import { describe, expect, test } from 'vitest';
import type { Outcome } from '../execution/outcome.ts';
import { goesToAnother, verdictFor } from './settle.ts';
import type { AckPolicy } from './settle.ts';

const ran = { runtimeMs: 1, children: [], endsHere: true };
const error = (exc_type: string) => ({ exc_type, exc_message: [], exc_module: null, traceback: null, repr: exc_type });
const outcomes = {
  success: { ...ran, state: 'SUCCESS', valueJson: '1' },
  failure: { ...ran, state: 'FAILURE', error: error('KeyError') },
  timeout: { ...ran, state: 'FAILURE', error: error('TimeLimitExceeded') },
  softTimeout: { ...ran, state: 'FAILURE', error: error('SoftTimeLimitExceeded') },
  lost: { ...ran, state: 'FAILURE', error: error('WorkerLostError') },
  retry: { ...ran, state: 'RETRY', error: error('KeyError'), signatureJson: '{}' },
  replaced: { ...ran, state: 'REPLACED', signatureJson: '{}' },
  revoked: { ...ran, state: 'REVOKED', reason: 'terminated' },
  rejected: { ...ran, state: 'REJECTED', requeue: false, error: error('Reject') },
  requeued: { ...ran, state: 'REJECTED', requeue: true, error: error('Reject') },
  ignored: { ...ran, state: 'IGNORED' },
} as const satisfies Record<string, Outcome>;
const late: AckPolicy = { acksLate: true, acksOnFailure: true, acksOnTimeout: true, rejectOnWorkerLost: false };

describe('verdictFor', () => {
  test('says nothing where the message was acknowledged at the start', () => {
    for (const outcome of Object.values(outcomes)) expect(verdictFor(outcome, { ...late, acksLate: false, rejectOnWorkerLost: true })).toBeUndefined();
  });

  test.each(['success', 'failure', 'timeout', 'softTimeout', 'lost', 'retry', 'replaced', 'revoked', 'ignored'] as const)('acknowledges after %s', (name) => {
    expect(verdictFor(outcomes[name], late)).toBe('ack');
  });

  test('a reject goes where the task said', () => {
    expect(verdictFor(outcomes.rejected, late)).toBe('dead');
    expect(verdictFor(outcomes.requeued, late)).toBe('requeue');
  });

  test('without acksOnFailure failures are dead, without acksOnTimeout hard limits are tried again', () => {
    const policy = { ...late, acksOnFailure: false, acksOnTimeout: false };
    expect(verdictFor(outcomes.failure, policy)).toBe('dead');
    expect(verdictFor(outcomes.softTimeout, policy)).toBe('dead');
    expect(verdictFor(outcomes.lost, policy)).toBe('dead');
    expect(verdictFor(outcomes.timeout, policy)).toBe('requeue');
  });

  test('with rejectOnWorkerLost another worker gets what was in a lost child', () => {
    const policy = { ...late, rejectOnWorkerLost: true };
    expect(verdictFor(outcomes.lost, policy)).toBe('requeue');
    expect(goesToAnother(outcomes.lost, policy)).toBe(true);
    expect(goesToAnother(outcomes.failure, policy)).toBe(false);
    expect(goesToAnother(outcomes.lost, { ...policy, acksLate: false })).toBe(false);
  });
});
