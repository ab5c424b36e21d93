import { DecodeError } from '../errors.ts';
import { pythonIso } from './datetime.ts';
import { encodeJson, encoded } from './json-text.ts';
import type { Encoded, Json, Value, ValueMap } from './json.ts';
import { isMap, shown } from './signature.ts';
import type { TaskState } from './states.ts';
/** One task's result as every backend stores it. */
export interface ResultMeta {
  readonly task_id: string;
  readonly status: TaskState;
  /** The value, the exception's map, or the meta of a custom state. */
  readonly result: Encoded;
  readonly traceback: string | null;
  /** Result tuples; null when no request was at hand. */
  readonly children: readonly Json[] | null;
  /** Null unless the state is final. */
  readonly date_done: string | null;
  readonly group_id?: string;
  readonly parent_id?: string;
  /** With `resultExtended`: name, args, kwargs, worker, retries, queue, and each stamp, at the top level on the wire. */
  readonly extended?: ValueMap;
}

/** A meta as JSON text, in Celery's order of keys; the result is spliced in as it is. */
export function encodeMeta(meta: ResultMeta): string {
  const { group_id, parent_id, extended } = meta;
  let text = `{"status":${quoted(meta.status)},"result":${meta.result.json},"traceback":${quoted(meta.traceback)}`;
  text += `,"children":${meta.children === null ? 'null' : meta.children.length === 0 ? '[]' : JSON.stringify(meta.children)},"date_done":${quoted(meta.date_done)}`;
  if (group_id !== undefined) text += `,"group_id":${JSON.stringify(group_id)}`;
  if (parent_id !== undefined) text += `,"parent_id":${JSON.stringify(parent_id)}`;
  if (extended !== undefined) text += members(extended);
  return `${text},"task_id":${quoted(meta.task_id)}}`;
}

/** A JSON string; concatenated where nothing needs escaping, which is several times faster. */
const quoted = (text: string | null): string => (text !== null && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
const PLAIN = /^[ !#-[\]-~]*$/;

/** The members of a map, with a comma before them; a stamp named like one of the meta's own keys is left out. */
function members(map: ValueMap): string {
  const json = encodeJson(Object.fromEntries(Object.entries(map).filter(([key]) => !OWN.has(key))));
  return json === '{}' ? '' : `,${json.slice(1, -1)}`;
}

/** The same as a value, for serializers other than JSON. */
export function metaValue(meta: ResultMeta): ValueMap {
  const { group_id, parent_id, extended = {} } = meta;
  return {
    ...extended,
    status: meta.status,
    result: meta.result.value(),
    traceback: meta.traceback,
    children: meta.children as Value,
    date_done: meta.date_done,
    ...(group_id === undefined ? {} : { group_id }),
    ...(parent_id === undefined ? {} : { parent_id }),
    task_id: meta.task_id,
  };
}

const OWN = new Set(['task_id', 'status', 'result', 'traceback', 'children', 'date_done', 'group_id', 'parent_id']);

/** A meta as any version of Celery stores it. Throws DecodeError when it is none. */
export function readMeta(value: Value): ResultMeta {
  if (!isMap(value)) throw new DecodeError(`a task's result must be a map, not ${shown(value)}`);
  const { task_id, status, result = null, traceback, children, date_done, group_id, parent_id } = value;
  if (typeof status !== 'string') throw new DecodeError(`a task's result must have a status, not ${shown(status)}`);
  if (typeof task_id !== 'string') throw new DecodeError(`a task's result must have a task_id, not ${shown(task_id)}`);
  const further = Object.entries(value).filter(([key]) => !OWN.has(key));
  return {
    task_id,
    status,
    result: encoded(result),
    traceback: typeof traceback === 'string' ? traceback : null,
    children: Array.isArray(children) ? (children as readonly Json[]) : null,
    date_done: dateDone(date_done),
    ...(typeof group_id === 'string' ? { group_id } : {}),
    ...(typeof parent_id === 'string' ? { parent_id } : {}),
    ...(further.length === 0 ? {} : { extended: Object.fromEntries(further) }),
  };
}

/** A text; a YAML or pickled one of a Python store is a datetime. */
function dateDone(value: Value | undefined): string | null {
  if (typeof value === 'string') return value;
  return value instanceof Date ? pythonIso(value.getTime()) : null;
}
