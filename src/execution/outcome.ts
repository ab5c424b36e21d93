import type { TaskErrorData } from '../protocol/exception.ts';
import type { Json } from '../protocol/json.ts';

export type { TaskErrorData };
/**
 * How one run of a task ended. Thrown Retry, Ignore, Reject and replace() become these in one place, run-task.ts.
 * Plain JSON, so that it crosses IPC as it is: values and signatures are kombu's typed JSON text already, errors are data already.
 */
export type Outcome = Ran &
  /** `repr` for the log and events, when asked for. A value that cannot travel never gets here: it is a FAILURE with EncodeError. */
  (
    | { readonly state: 'SUCCESS'; readonly valueJson: string; readonly repr?: string }
    | { readonly state: 'FAILURE'; readonly error: TaskErrorData }
    /** The signature of the whole next attempt: id, retries + 1, eta, and what self.retry changed. */
    | { readonly state: 'RETRY'; readonly error: TaskErrorData; readonly signatureJson: string }
    | { readonly state: 'REPLACED'; readonly signatureJson: string }
    | { readonly state: 'REVOKED'; readonly reason: 'expired' | 'revoked' | 'terminated'; readonly signal?: string }
    /** Without requeue it is a FAILURE too, as in 5.7. */
    | { readonly state: 'REJECTED'; readonly requeue: boolean; readonly error: TaskErrorData }
    | { readonly state: 'IGNORED' }
  );
export interface Ran {
  readonly runtimeMs: number;
  /** Result tuples of the calls that the body made, in order; they end up in the meta. */
  readonly children: readonly Json[];
  /** The body names no callback, errback, chain or chord: whoever finishes need not decode it. */
  readonly endsHere: boolean;
}
