import { InvalidTaskError } from '../errors.ts';
import { pythonIso, isNaive, parseDatetime } from './datetime.ts';
import type { Json, JsonObject, ValueMap } from './json.ts';
import { isMap, shown } from './signature.ts';

/** Missing ones are filled in when a message is parsed (wire.md 1.1); custom headers stand beside them. */
export interface TaskHeaders extends JsonObject {
  readonly lang: string;
  readonly task: string;
  readonly id: string;
  readonly shadow: string | null;
  readonly root_id: string | null;
  readonly parent_id: string | null;
  readonly group: string | null;
  readonly group_index: number | null;
  readonly retries: number;
  readonly eta: string | null;
  readonly expires: string | null;
  /** Seconds. */
  readonly timelimit: readonly [hard: number | null, soft: number | null];
  readonly argsrepr: string | null;
  readonly kwargsrepr: string | null;
  readonly origin: string | null;
  /** Null: the caller said nothing, the task's own setting counts. */
  readonly ignore_result: boolean | null;
  readonly replaced_task_nesting: number;
  readonly stamped_headers: readonly string[] | null;
  readonly stamps: { readonly [name: string]: Json | undefined };
}

/** Headers in Celery's order with what is missing filled in; custom ones come last. The root of a call that names none is itself. */
export function fillHeaders(given: Partial<TaskHeaders> & { readonly task: string; readonly id: string }): TaskHeaders {
  return {
    lang: 'js',
    task: given.task,
    id: given.id,
    shadow: null,
    eta: null,
    expires: null,
    group: null,
    group_index: null,
    retries: 0,
    timelimit: [null, null],
    root_id: given.id,
    parent_id: null,
    argsrepr: null,
    kwargsrepr: null,
    origin: null,
    ignore_result: null,
    replaced_task_nesting: 0,
    stamped_headers: null,
    stamps: {},
    ...(given as Partial<JsonObject>),
  };
}

/** The headers of a protocol 2 message, checked. What a careless writer leaves out or writes as null is filled in. Throws InvalidTaskError. */
export function readHeaders(headers: JsonObject): TaskHeaders {
  if (isComplete(headers)) return headers;
  const { task, id } = headers;
  if (typeof task !== 'string' || task === '') throw new InvalidTaskError(`the header "task" must be the name of a task, not ${shown(task)}`);
  if (typeof id !== 'string' || id === '') throw new InvalidTaskError(`the header "id" of a message for ${task} must be a text, not ${shown(id)}`);
  const defaults: JsonObject = fillHeaders({ task, id });
  const known = Object.entries(READ).map(([name, read]) => {
    const value = read(headers[name], name);
    return [name, value === undefined ? defaults[name] : value] as const;
  });
  return { ...defaults, ...headers, ...Object.fromEntries(known), task, id } as JsonObject as TaskHeaders;
}

/** As Celery itself writes them: nearly always, so this is asked first. */
function isComplete(headers: JsonObject): headers is TaskHeaders {
  const { timelimit } = headers;
  return (
    typeof headers['task'] === 'string' &&
    headers['task'] !== '' &&
    typeof headers['id'] === 'string' &&
    headers['id'] !== '' &&
    typeof headers['lang'] === 'string' &&
    typeof headers['retries'] === 'number' &&
    headers['eta'] === null &&
    headers['expires'] === null &&
    Array.isArray(timelimit) &&
    timelimit[0] === null &&
    timelimit[1] === null &&
    isTextOrNull(headers['shadow']) &&
    isTextOrNull(headers['group']) &&
    isTextOrNull(headers['root_id']) &&
    isTextOrNull(headers['parent_id']) &&
    isTextOrNull(headers['argsrepr']) &&
    isTextOrNull(headers['kwargsrepr']) &&
    isTextOrNull(headers['origin']) &&
    (headers['group_index'] === null || typeof headers['group_index'] === 'number') &&
    (headers['ignore_result'] === null || typeof headers['ignore_result'] === 'boolean') &&
    typeof headers['replaced_task_nesting'] === 'number' &&
    headers['stamped_headers'] === null &&
    isMap(headers['stamps'])
  );
}
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';

type Read = (value: Json | undefined, name: string) => Json | undefined;
const orNull =
  (isRight: (value: Json) => boolean, expected: string): Read =>
  (value, name) => {
    if (value === undefined || value === null) return value;
    if (!isRight(value)) throw new InvalidTaskError(`the header "${name}" must be ${expected} or null, not ${shown(value)}`);
    return value;
  };
const text = orNull((value) => typeof value === 'string', 'a text');
const count: Read = (value, name) => orNull((given) => Number.isSafeInteger(given), 'an integer')(value, name) ?? undefined;

/** Undefined leaves a header to its default. */
const READ: Readonly<Record<string, Read>> = {
  lang: (value) => (typeof value === 'string' ? value : undefined),
  shadow: text,
  root_id: text,
  parent_id: text,
  group: text,
  group_index: orNull((value) => typeof value === 'number', 'an integer'),
  retries: count,
  eta: readMoment,
  expires: readMoment,
  timelimit: readTimelimit,
  argsrepr: text,
  kwargsrepr: text,
  origin: text,
  ignore_result: orNull((value) => typeof value === 'boolean', 'a boolean'),
  replaced_task_nesting: count,
  stamped_headers: orNull((value) => Array.isArray(value) && value.every((name) => typeof name === 'string'), 'a list of texts'),
  stamps: (value) => (isMap(value) ? value : undefined),
};

function readMoment(value: Json | undefined, name: string): Json | undefined {
  // Kombu writes a datetime in a header as a typed value.
  const moment = isMap(value) && value['__type__'] === 'datetime' ? (value['__value__'] as Json) : value;
  if (moment === undefined || moment === null) return null;
  if (typeof moment === 'number' && Number.isFinite(moment)) return pythonIso(moment * 1000);
  if (typeof moment !== 'string' || parseDatetime(moment) === undefined) {
    throw new InvalidTaskError(
      `the header "${name}" must be an ISO-8601 date and time or null, not ${typeof moment === 'string' ? JSON.stringify(moment.slice(0, 100)) : shown(moment)}`,
    );
  }
  return moment;
}

function readTimelimit(value: Json | undefined): Json | undefined {
  if (value === undefined || value === null) return undefined;
  const isLimit = (limit: Json | undefined): boolean => limit === undefined || limit === null || typeof limit === 'number';
  if (!Array.isArray(value) || !value.every(isLimit)) throw new InvalidTaskError(`the header "timelimit" must be [hard, soft] in seconds, not ${shown(value)}`);
  return [(value[0] as Json) ?? null, (value[1] as Json) ?? null];
}

/** Headers from a protocol 1 body: the same facts under their old names. There is no root and no parent. */
export function headersOfBody(body: ValueMap, headers: JsonObject): TaskHeaders {
  const moment = (value: unknown): Json | undefined =>
    body['utc'] === false && typeof value === 'string' && isNaive(value) ? fromLocal(value) : (value as Json | undefined);
  return readHeaders({
    ...headers,
    lang: 'py',
    task: body['task'] as Json,
    id: body['id'] as Json,
    root_id: null,
    parent_id: null,
    group: (body['group'] ?? body['taskset'] ?? null) as Json,
    group_index: (body['group_index'] ?? null) as Json,
    retries: (body['retries'] ?? 0) as Json,
    eta: moment(body['eta']),
    expires: moment(body['expires']),
    timelimit: (body['timelimit'] ?? null) as Json,
  });
}

/** A naive text in the zone of this machine; what is no date is left as it is, for the check that follows. */
function fromLocal(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : pythonIso(at);
}
