import type { Value } from '../../protocol/json.ts';
import type { WorkerContext } from '../context.ts';
import type { Intake } from '../intake.ts';
import type { Runner } from '../runner.ts';

/** What services are given to work with. */
export interface WorkerParts {
  readonly context: WorkerContext;
  readonly intake: Intake;
  readonly runner: Runner;
  /** Aborts when the worker is stopped: who waits for a broker that is not there waits no longer. */
  readonly stopAsked: AbortSignal;
  /** The connection that worked is gone: everything that requires it is to be started again. */
  onLost(reason: Error): void;
  /** A remote command has come. */
  command(method: string, args: { readonly [name: string]: Value | undefined }): Value | undefined | Promise<Value | undefined>;
}
