import { AsyncLocalStorage } from 'node:async_hooks';
import type { SignatureData } from '../protocol/signature.ts';
import type { AsyncResult, EagerResult } from '../results/result.ts';
import type { ErrorClass } from './call-options.ts';
import type { ResultNode } from './plan.ts';

/** What cannot be written down in a call: it counts for the sending alone. */
export interface Sending {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** After which errors the publish is tried again, beside the loss of the broker. */
  readonly retryErrors?: readonly ErrorClass[] | undefined;
  /** A call by name (`sendTask`): it goes to a worker whatever `taskAlwaysEager` says. */
  readonly isByName?: boolean;
}

/** Who carries signatures out: the app that they were made by. */
export interface Caller {
  /** Compiles, routes and sends; resolves when the broker has it. */
  start(signature: SignatureData, sending: Sending): Promise<AsyncResult<unknown>>;
  /** Runs it here and now. */
  apply(signature: SignatureData): Promise<EagerResult<unknown>>;
  /** `taskAllowErrorCbOnChordHeader`: errbacks of a chord are called by the parts of its header too. */
  readonly linksErrorsOnHeader?: boolean;
  /** A handle on calls whose ids are known. */
  handle(node: ResultNode): AsyncResult<unknown>;
}

/** What the calling code runs in: while a task runs, its run, which says the task's app. `execution` enters it. */
export const surroundings = new AsyncLocalStorage<{ readonly caller?: Caller }>();
