import * as errors from '../errors.ts';
import { TaskFailure } from '../errors.ts';
import { pythonRepr } from '../kernel/repr.ts';
import { encodeJson } from './json-text.ts';
import type { Json, JsonObject, Value } from './json.ts';
import { hideOwnFrames, pythonTraceback } from './traceback.ts';

/** An error as data: what a result says of it (`exc_*`), its traceback, and how it looks in a log. */
export interface TaskErrorData extends JsonObject {
  readonly exc_type: string;
  readonly exc_message: Json;
  readonly exc_module: string | null;
  readonly traceback: string | null;
  readonly repr: string;
}

/** The part of it that a result holds. Older writers have a text for `exc_message`. */
export interface ExceptionMap {
  readonly exc_type: string;
  readonly exc_message: Json | Value;
  readonly exc_module: string | null;
}

type ErrorClass<E extends Error = Error> = abstract new (...args: never[]) => E;
interface Known {
  readonly pythonName: string;
  readonly toArgs: (error: Error) => readonly unknown[];
  /** Absent: it arrives as a TaskFailure that keeps Python's name. */
  readonly fromArgs?: (...args: Json[]) => Error;
}

/** What errors are called in Python, both ways. Each app has its own, starting from the names that Celery and Python have for ours. */
export class ErrorNames {
  readonly #byClass = new Map<unknown, Known>();
  readonly #byName = new Map<string, Known>();

  constructor() {
    for (const [type, pythonName] of ONE_WAY) this.#byClass.set(type, { pythonName, toArgs: messageOf });
    for (const [type, pythonName] of BOTH_WAYS) this.register(type, pythonName);
    this.register(errors.NotRegistered, 'celery.exceptions.NotRegistered', { toArgs: nameAlone, fromArgs: notRegistered });
  }

  /** From now on errors of exactly this class are sent under that name, and arrive as its instances. `toArgs` gives the arguments of Python's constructor, `[message]` by default. */
  register<E extends Error>(
    type: ErrorClass<E>,
    pythonName: string,
    convert: { readonly toArgs?: ((error: E) => readonly Json[]) | undefined; readonly fromArgs?: ((...args: Json[]) => E) | undefined } = {},
  ): void {
    const Type = type as unknown as new (message: string) => E;
    const known: Known = {
      pythonName,
      toArgs: (convert.toArgs as Known['toArgs'] | undefined) ?? messageOf,
      fromArgs: convert.fromArgs ?? ((...args) => new Type(messageText(args))),
    };
    this.#byClass.set(type, known);
    this.#byName.set(pythonName, known);
  }

  /** Anything thrown, as data. Arguments that cannot travel are replaced by their representation, one by one, as Celery does. `traceback` stands in for the error's stack; null for none. */
  toData(error: unknown, extra: { readonly traceback?: string | null } = {}): TaskErrorData {
    const { module, type } = this.#nameOf(error);
    const args = this.#argsOf(error);
    return {
      exc_type: type,
      exc_message: args.map(sendable),
      exc_module: module,
      traceback: extra.traceback === undefined ? pythonTraceback(error, (link) => this.#fullName(link)) : extra.traceback,
      repr: `${type}(${args.map((arg) => pythonRepr(arg)).join(', ')})`,
    };
  }

  /** An error again: an instance of the registered class, whose cause is what came; else a TaskFailure with Python's name, arguments and traceback. */
  fromData(data: ExceptionMap, traceback: string | null): Error {
    const args = argsOf(data.exc_message);
    const failure = new TaskFailure(messageText(args) || data.exc_type, { type: data.exc_type, module: data.exc_module ?? '', args, traceback });
    hideOwnFrames(failure);
    const known = this.#byName.get(data.exc_module === null ? data.exc_type : `${data.exc_module}.${data.exc_type}`);
    if (known?.fromArgs === undefined) return failure;
    try {
      const error = known.fromArgs(...(args as Json[]));
      hideOwnFrames(error);
      if (error.cause === undefined) Object.defineProperty(error, 'cause', { value: failure, configurable: true, writable: true });
      return error;
    } catch {
      // A constructor that refuses these arguments must not hide the failure itself.
      return failure;
    }
  }

  /** Whether an error is of a class, or has a Python name, in full (`requests.exceptions.ConnectionError`) or without its module. */
  matches(error: unknown, classOrPythonName: ErrorClass | string): boolean {
    if (typeof classOrPythonName === 'string') {
      const { type } = this.#nameOf(error);
      return classOrPythonName === this.#fullName(error) || classOrPythonName === type;
    }
    if (error instanceof classOrPythonName) return true;
    // One that came from Python, under the name that this class has there.
    return error instanceof TaskFailure && this.#byClass.get(classOrPythonName)?.pythonName === this.#fullName(error);
  }

  #nameOf(error: unknown): { readonly module: string | null; readonly type: string } {
    if (error instanceof TaskFailure) return { module: error.module || null, type: error.type };
    if (!(error instanceof Error)) return { module: 'builtins', type: 'Exception' };
    const known = this.#byClass.get(error.constructor);
    if (known === undefined) return { module: null, type: (error.name === 'Error' ? error.constructor.name : error.name) || 'Error' };
    // Python's modules begin with small letters, its classes do not; where both do, the last part is the class.
    const [, module, type] = /^((?:[a-z_]\w*\.)*)(.+)$/.exec(known.pythonName)!;
    return { module: module === '' ? null : module!.slice(0, -1), type: type! };
  }

  #fullName(error: unknown): string {
    const { module, type } = this.#nameOf(error);
    return module === null || module === 'builtins' ? (module === null ? type : `builtins.${type}`) : `${module}.${type}`;
  }

  #argsOf(error: unknown): readonly unknown[] {
    if (error instanceof TaskFailure) return error.args;
    if (!(error instanceof Error)) return [error];
    return (this.#byClass.get(error.constructor)?.toArgs ?? messageOf)(error);
  }
}

const messageOf = (error: Error): readonly unknown[] => [error.message];

/** Celery says the name alone, which tells whoever waited for the result little. */
const notRegistered = (name: Json): Error =>
  new errors.NotRegistered(
    `no task ${JSON.stringify(name)} is known to the worker that took it. Is the module that defines it loaded there, under this very name? (celeriac -A … worker -l info lists its tasks)`,
  );

/** One that came from elsewhere goes on under the name that came. */
const nameAlone = (error: Error): readonly Json[] => (error.cause instanceof TaskFailure ? (error.cause.args as readonly Json[]) : [error.message]);

/** As `str(exception)` in Python: the only argument, or all of them. */
function messageText(args: readonly unknown[]): string {
  if (args.length === 1) return typeof args[0] === 'string' ? args[0] : pythonRepr(args[0]);
  return args.length === 0 ? '' : `(${args.map((arg) => pythonRepr(arg)).join(', ')})`;
}

const argsOf = (message: Json | Value): readonly unknown[] => (Array.isArray(message) ? (message as readonly unknown[]) : message === null ? [] : [message]);

/** The argument as JSON may hold it, typed values in kombu's form. */
function sendable(arg: unknown): Json {
  try {
    return JSON.parse(encodeJson(arg as Value)) as Json;
  } catch {
    // What cannot travel (also NaN, which is no JSON) is shown instead.
    return pythonRepr(arg);
  }
}

/** Python's own errors arrive as TaskFailure, so that nothing of what Python said is lost; so does control flow, which must not act on whoever waits for the result. */
const ONE_WAY: readonly (readonly [unknown, string])[] = [
  [Error, 'builtins.Exception'],
  [TypeError, 'builtins.TypeError'],
  [RangeError, 'builtins.ValueError'],
  [SyntaxError, 'builtins.SyntaxError'],
  [errors.ResponseError, 'redis.exceptions.ResponseError'],
  [errors.Retry, 'celery.exceptions.Retry'],
  [errors.Ignore, 'celery.exceptions.Ignore'],
  [errors.Reject, 'celery.exceptions.Reject'],
];

const BOTH_WAYS: readonly (readonly [ErrorClass, string])[] = [
  [errors.CeleryError, 'celery.exceptions.CeleryError'],
  [errors.ImproperlyConfigured, 'celery.exceptions.ImproperlyConfigured'],
  [errors.InvalidTaskError, 'celery.exceptions.InvalidTaskError'],
  [errors.AlreadyRegistered, 'celery.exceptions.AlreadyRegistered'],
  [errors.QueueNotFound, 'celery.exceptions.QueueNotFound'],
  [errors.TimeoutError, 'celery.exceptions.TimeoutError'],
  [errors.ChordError, 'celery.exceptions.ChordError'],
  [errors.MaxRetriesExceededError, 'celery.exceptions.MaxRetriesExceededError'],
  [errors.TaskRevokedError, 'celery.exceptions.TaskRevokedError'],
  [errors.BackendStoreError, 'celery.exceptions.BackendStoreError'],
  [errors.OperationalError, 'kombu.exceptions.OperationalError'],
  [errors.EncodeError, 'kombu.exceptions.EncodeError'],
  [errors.DecodeError, 'kombu.exceptions.DecodeError'],
  [errors.ContentDisallowed, 'kombu.exceptions.ContentDisallowed'],
  [errors.SoftTimeLimitExceeded, 'billiard.exceptions.SoftTimeLimitExceeded'],
  [errors.TimeLimitExceeded, 'billiard.exceptions.TimeLimitExceeded'],
  [errors.WorkerLostError, 'billiard.exceptions.WorkerLostError'],
];
