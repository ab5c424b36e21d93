import { argsRepr, kwargsRepr } from '../kernel/repr.ts';
import { pythonIso } from '../protocol/datetime.ts';
import type { Json, JsonObject, Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { keptEmbed, KeptSteps, type Embed, type TaskHeaders } from '../protocol/task-message.ts';
import { mayExpand } from './kinds.ts';
import { isNone, stepsOf, withReplyTo } from './signature-data.ts';
import type { CompileContext, PlannedMessage, RouteOptions, TaskDefaults } from './plan.ts';

const NO_LIMITS: readonly [null, null] = [null, null];
const NO_STAMPS: JsonObject = {};
const NO_ROUTE: RouteOptions = {};
const NO_EMBED = { callbacks: null, errbacks: null, chain: null, chord: null };
const UNKNOWN: TaskDefaults = { options: {}, timeLimit: null, softTimeLimit: null, ignoreResult: null };

/** The message of one call. Most calls say nothing but arguments, and have a short way. */
export function planCall(signature: SignatureData, context: CompileContext): PlannedMessage {
  const defaults = context.defaults?.(signature.task) ?? UNKNOWN;
  for (const _ in signature.options) return fullCall(signature, context, defaults);
  for (const _ in defaults.options) return fullCall(signature, context, defaults);
  if (defaults.shadowName !== undefined || !isNone(context.parent?.priority) || signature.task === 'celery.map' || signature.task === 'celery.starmap') {
    return fullCall(signature, context, defaults);
  }
  const { task, args, kwargs } = signature;
  const id = context.newId();
  const headers: TaskHeaders = {
    lang: 'js',
    task,
    id,
    shadow: null,
    eta: null,
    expires: null,
    group: null,
    group_index: null,
    retries: 0,
    timelimit: limitsOf(defaults),
    root_id: context.parent?.rootId ?? id,
    parent_id: context.parent?.id ?? null,
    argsrepr: argsRepr(args),
    kwargsrepr: kwargsRepr(kwargs),
    origin: context.origin,
    ignore_result: defaults.ignoreResult,
    replaced_task_nesting: 0,
    stamped_headers: null,
    stamps: NO_STAMPS,
  };
  const route = context.replyTo === undefined ? NO_ROUTE : { replyTo: context.replyTo };
  return { message: { headers, args, kwargs, embed: NO_EMBED }, route, isPlain: true };
}

const limitsOf = ({ timeLimit, softTimeLimit }: TaskDefaults): readonly [number | null, number | null] =>
  timeLimit === null && softTimeLimit === null ? NO_LIMITS : [timeLimit, softTimeLimit];

function fullCall(signature: SignatureData, context: CompileContext, defaults: TaskDefaults): PlannedMessage {
  const { task, args, kwargs } = signature;
  const options: ValueMap = { ...defaults.options, ...present(signature.options) };
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const id = text('task_id') ?? context.newId();
  const notBeforeMs = notBefore(options, context.now);
  const expiresAtMs = expiresAt(options['expires'], context.now);
  // Null clears the task's own limit, so null must not be taken for unsaid here.
  const limit = (name: string, fallback: number | null): number | null => {
    const said = signature.options[name];
    return said === undefined ? fallback : (said as number | null);
  };
  const timelimit = [limit('time_limit', defaults.timeLimit), limit('soft_time_limit', defaults.softTimeLimit)] as const;
  if (timelimit[0] !== null && timelimit[1] !== null && timelimit[1] > timelimit[0]) {
    throw new RangeError(`the soft time limit of ${task} (${timelimit[1]} s) must not be above its time limit (${timelimit[0]} s)`);
  }
  const stamped = options['stamped_headers'] as readonly string[] | undefined;
  const headers: TaskHeaders = {
    lang: 'js',
    task,
    id,
    shadow: text('shadow') ?? defaults.shadowName?.(args, kwargs) ?? null,
    eta: text('eta') ?? (notBeforeMs === undefined ? null : pythonIso(notBeforeMs)),
    expires: typeof options['expires'] === 'string' ? options['expires'] : expiresAtMs === undefined ? null : pythonIso(expiresAtMs),
    group: text('group_id') ?? null,
    group_index: (options['group_index'] as number | undefined) ?? null,
    retries: (options['retries'] as number | undefined) ?? 0,
    timelimit,
    root_id: text('root_id') ?? context.parent?.rootId ?? id,
    parent_id: text('parent_id') ?? context.parent?.id ?? null,
    argsrepr: text('argsrepr') ?? argsRepr(args),
    kwargsrepr: text('kwargsrepr') ?? kwargsRepr(kwargs),
    origin: context.origin,
    ignore_result: (options['ignore_result'] as boolean | undefined) ?? defaults.ignoreResult,
    replaced_task_nesting: (options['replaced_task_nesting'] as number | undefined) ?? 0,
    stamped_headers: stamped ?? null,
    stamps: stamped === undefined ? NO_STAMPS : Object.fromEntries(stamped.map((name) => [name, (signature.options[name] ?? null) as Json])),
    ...(options['headers'] as JsonObject | undefined),
  };
  const embed = embedOf(options, context.replyTo);
  const expirationMs = expiresAtMs === undefined ? undefined : Math.max(0, expiresAtMs - context.now);
  return {
    message: { headers, args, kwargs, embed },
    route: routeOf(signature, options, { stamped, notBeforeMs, expirationMs, priority: context.parent?.priority, replyTo: context.replyTo }),
  };
}

function embedOf(options: ValueMap, replyTo: string | undefined): Embed {
  const { chain } = options;
  const callbacks = list(options['link'], replyTo);
  const errbacks = list(options['link_error'], replyTo);
  const chord = isNone(options['chord']) ? null : chordOf(options['chord']!);
  if (!(chain instanceof KeptSteps) || mayExpand(chain.json)) return { callbacks, errbacks, chain: list(chain), chord };
  return keptEmbed({ callbacks, errbacks, chord }, chain);
}

/** The body of a chord; the same object for all its parts, so that it is written once (task-body.ts). */
function chordOf(option: Value): SignatureData | null {
  const key = option as object;
  let body = bodies.get(key);
  if (body === undefined) {
    body = stepsOf(option)[0];
    if (body === undefined) return null;
    bodies.set(key, body);
  }
  return body;
}
const bodies = new WeakMap<object, SignatureData>();

/** Results of callbacks go to the same address, where they say none. */
const list = (value: Value | undefined, replyTo?: string): readonly SignatureData[] | null => {
  const signatures = stepsOf(value);
  if (signatures.length === 0) return null;
  return replyTo === undefined ? signatures : signatures.map((signature) => withReplyTo(signature, replyTo));
};

/** Null in a signature's options means that nothing was said. */
const present = (options: ValueMap): ValueMap => {
  for (const name in options) if (isNone(options[name])) return Object.fromEntries(Object.entries(options).filter(([, value]) => !isNone(value)));
  return options;
};

function notBefore(options: ValueMap, now: number): number | undefined {
  const { countdown, eta } = options;
  if (typeof countdown === 'number' && countdown !== 0) return now + countdown * 1000;
  if (typeof eta !== 'string') return undefined;
  // A text without a zone is UTC, as Celery takes it.
  const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(eta) ? eta : `${eta}Z`);
  if (Number.isNaN(at)) throw new TypeError(`the eta ${JSON.stringify(eta)} is not an ISO-8601 date and time`);
  return at;
}

function expiresAt(expires: Value | undefined, now: number): number | undefined {
  if (typeof expires === 'number') return now + expires * 1000;
  if (typeof expires !== 'string') return undefined;
  const at = Date.parse(expires);
  if (Number.isNaN(at)) throw new TypeError(`expires is ${JSON.stringify(expires)}: expected seconds, or an ISO-8601 date and time`);
  return at;
}

/** Options that say something of the message itself; what is neither these nor a routing option travels as a property. */
const KNOWN = new Set(
  (
    'task_id countdown eta expires shadow group_id group_index retries time_limit soft_time_limit root_id parent_id argsrepr kwargsrepr ignore_result ' +
    'replaced_task_nesting stamped_headers headers link link_error chain chord add_to_parent origin queue exchange exchange_type routing_key priority ' +
    'delivery_mode serializer compression reply_to retry retry_policy chord_size'
  ).split(' '),
);

function routeOf(
  signature: SignatureData,
  options: ValueMap,
  more: {
    readonly stamped: readonly string[] | undefined;
    readonly notBeforeMs: number | undefined;
    readonly expirationMs: number | undefined;
    readonly priority: number | null | undefined;
    readonly replyTo: string | undefined;
  },
): RouteOptions {
  const properties = Object.entries(options).filter(([name]) => !KNOWN.has(name) && more.stamped?.includes(name) !== true);
  const route: Record<string, unknown> = {
    name: signature.task === 'celery.map' || signature.task === 'celery.starmap' ? stepsOf(signature.kwargs['task'])[0]?.task : undefined,
    queue: options['queue'],
    exchange: options['exchange'],
    exchangeType: options['exchange_type'],
    routingKey: options['routing_key'],
    priority: options['priority'] ?? more.priority ?? undefined,
    deliveryMode: options['delivery_mode'],
    serializer: options['serializer'],
    compression: options['compression'],
    notBeforeMs: more.notBeforeMs,
    expirationMs: more.expirationMs,
    replyTo: options['reply_to'] ?? more.replyTo,
    retry: options['retry'],
    retryPolicy: options['retry_policy'],
    properties: properties.length === 0 ? undefined : Object.fromEntries(properties),
  };
  return Object.fromEntries(Object.entries(route).filter(([, value]) => value !== undefined)) as RouteOptions;
}
