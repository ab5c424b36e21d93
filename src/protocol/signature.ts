import { InvalidTaskError } from '../errors.ts';
import type { Value, ValueMap } from './json.ts';
/** A task call, written down but not yet made. Plain frozen data: safe to send, to store and to compare. Foreign keys are kept. */
export interface SignatureData extends ValueMap {
  readonly task: string;
  readonly args: readonly Value[];
  readonly kwargs: ValueMap;
  readonly options: ValueMap;
  /** 'chain', 'group', 'chord', or a registered kind; null for the rest (also map, starmap and chunks: wire.md 2). */
  readonly subtask_type: string | null;
  readonly immutable: boolean;
}

/** A signature with what is missing filled in, its keys in Celery's order, frozen. The lists and maps given are copied, never frozen themselves. */
export function signatureData(partial: Partial<SignatureData> & { readonly task: string }): SignatureData {
  const { task, args = [], kwargs = {}, options = {}, subtask_type = null, immutable = false, ...foreign } = partial;
  return Object.freeze({
    task,
    args: Object.freeze([...args]),
    kwargs: Object.freeze({ ...kwargs }),
    options: Object.freeze({ ...options }),
    subtask_type,
    immutable,
    ...foreign,
  });
}

/** A signature as it came in a message; what Python would fill in is filled in. Throws InvalidTaskError when it is none. */
export function readSignature(value: Value | undefined): SignatureData {
  if (!isMap(value)) throw new InvalidTaskError(`a signature must be a map, not ${shown(value)}`);
  const { task, args, kwargs, options, subtask_type, immutable, ...foreign } = value;
  if (typeof task !== 'string' || task === '') throw new InvalidTaskError(`a signature must have a task name, not ${shown(task)}`);
  return signatureData({
    ...foreign,
    task,
    args: listOf(args, `the args of the signature of ${task}`),
    kwargs: mapOf(kwargs, `the kwargs of the signature of ${task}`),
    options: mapOf(options, `the options of the signature of ${task}`),
    subtask_type: typeof subtask_type === 'string' ? subtask_type : null,
    immutable: immutable === true,
  });
}

/** A list, an absent or null one empty. Throws InvalidTaskError. */
export function listOf(value: Value | undefined, what: string): readonly Value[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new InvalidTaskError(`${what} must be a list, not ${shown(value)}`);
  return value as readonly Value[];
}

/** A map, an absent or null one empty. Throws InvalidTaskError. */
export function mapOf(value: Value | undefined, what: string): ValueMap {
  if (value === undefined || value === null) return {};
  if (!isMap(value)) throw new InvalidTaskError(`${what} must be a map, not ${shown(value)}`);
  return value;
}

/** Whether a value is a map, and none of the typed values. */
export const isMap = (value: unknown): value is ValueMap =>
  typeof value === 'object' && value !== null && (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null);

/** What came, said in a word: values themselves may be large or secret. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' ? (isMap(value) ? 'a map' : `a ${value.constructor.name}`) : `a ${typeof value}`;
}
