import type { Outcome } from '../execution/outcome.ts';
import type { TaskPolicy } from '../execution/policy.ts';
import type { Verdict } from '../transports/transport.ts';

export type AckPolicy = Pick<TaskPolicy, 'acksLate' | 'acksOnFailure' | 'acksOnTimeout' | 'rejectOnWorkerLost'>;

/**
 * What the broker hears of a message whose task has ended: the one table of (acks early or late) × (outcome).
 * Undefined where it was acknowledged when the task started: then nothing can be taken back.
 */
export function verdictFor(outcome: Outcome, policy: AckPolicy): Verdict | undefined {
  if (!policy.acksLate) return undefined;
  switch (outcome.state) {
    case 'REJECTED':
      return outcome.requeue ? 'requeue' : 'dead';
    case 'FAILURE':
      return failureVerdict(failureKind(outcome.error.exc_type), policy);
    default:
      return 'ack';
  }
}

/** Lost children and hard limits have rules of their own. A soft limit that the task did not catch is an error like any other. */
export function failureKind(exceptionType: string): 'lost' | 'timeout' | 'error' {
  if (exceptionType === 'WorkerLostError') return 'lost';
  return exceptionType === 'TimeLimitExceeded' ? 'timeout' : 'error';
}

/** Another worker shall run it: then nothing of this run may be stored. */
export function goesToAnother(outcome: Outcome, policy: AckPolicy): boolean {
  return outcome.state === 'FAILURE' && failureKind(outcome.error.exc_type) === 'lost' && policy.acksLate && policy.rejectOnWorkerLost;
}

function failureVerdict(kind: 'lost' | 'timeout' | 'error', policy: AckPolicy): Verdict {
  if (kind === 'lost' && policy.rejectOnWorkerLost) return 'requeue';
  if (kind === 'timeout') return policy.acksOnTimeout ? 'ack' : 'requeue';
  return policy.acksOnFailure ? 'ack' : 'dead';
}
