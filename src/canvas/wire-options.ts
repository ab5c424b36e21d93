/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { durationMs } from '../kernel/duration.ts';
import { notAnOption } from '../kernel/nearest.ts';
import { pythonIso } from '../protocol/datetime.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import type { ApplyOptions, DeliveryMode } from './call-options.ts';
import type { Errback } from './errback.ts';
import type { Signature } from './signature.ts';

/** A TypeError naming the option where the value is none for it. Null clears what was said before. */
type Convert = (value: never, option: string) => Value | undefined;
const asIs: Convert = (value) => value;
const text: Convert = (value: unknown, option) => (value === null || typeof value === 'string' ? value : refuse(option, 'a string', value));
const flag: Convert = (value: unknown, option) => (value === null || typeof value === 'boolean' ? value : refuse(option, 'true or false', value));

/** Each option of a call with its name in Celery's signatures, and how its value is written there. */
const OPTIONS: Readonly<Record<Exclude<keyof ApplyOptions, 'signal' | 'timeout' | 'properties' | 'stamps'>, readonly [wire: string, convert: Convert]>> = {
  taskId: ['task_id', text],
  countdown: ['countdown', seconds],
  eta: ['eta', moment],
  expires: ['expires', durationOrMoment],
  link: ['link', signatures],
  linkError: ['link_error', signatures],
  queue: ['queue', nameOf],
  exchange: ['exchange', nameOf],
  exchangeType: ['exchange_type', text],
  routingKey: ['routing_key', text],
  priority: ['priority', priority],
  deliveryMode: ['delivery_mode', deliveryMode],
  serializer: ['serializer', text],
  compression: ['compression', text],
  headers: ['headers', asIs],
  retry: ['retry', flag],
  retryPolicy: ['retry_policy', retryPolicy],
  timeLimit: ['time_limit', seconds],
  softTimeLimit: ['soft_time_limit', seconds],
  ignoreResult: ['ignore_result', flag],
  addToParent: ['add_to_parent', flag],
  shadow: ['shadow', text],
  argsrepr: ['argsrepr', text],
  kwargsrepr: ['kwargsrepr', text],
  rootId: ['root_id', text],
  parentId: ['parent_id', text],
  replyTo: ['reply_to', text],
};

/** Options as users write them, as Celery's signatures hold them. An unknown one is a TypeError. */
export function wireOptions(options: ApplyOptions): ValueMap {
  const wire: Record<string, Value | undefined> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || name === 'signal' || name === 'timeout') continue;
    if (name === 'properties') Object.assign(wire, value);
    else if (name === 'stamps') Object.assign(wire, stampOptions(value as Readonly<Record<string, Json>>));
    else {
      const known = OPTIONS[name as keyof typeof OPTIONS];
      if (known === undefined) throw notAnOption(name, Object.keys(OPTIONS), 'a call');
      wire[known[0]] = known[1](value as never, name);
    }
  }
  return wire;
}

/** The same for a call that is made now: `retryErrors` are not written down, they go beside it. */
export function callOptions(options: ApplyOptions): ValueMap {
  if (options.retryPolicy?.retryErrors === undefined) return wireOptions(options);
  const { retryErrors: _, ...policy } = options.retryPolicy;
  return wireOptions({ ...options, retryPolicy: policy });
}

/** Stamps as options hold them: their names, and each under its own. */
export function stampOptions(stamps: Readonly<Record<string, Json>>): ValueMap {
  return { stamped_headers: Object.keys(stamps), ...stamps };
}

function refuse(option: string, expected: string, value: unknown): never {
  throw new TypeError(`${option}: expected ${expected}, not ${JSON.stringify(value) ?? String(value)}`);
}

function nameOf(value: unknown, option: string): string | null {
  const name: unknown = value !== null && typeof value === 'object' ? (value as { readonly name?: unknown }).name : value;
  return name === null || typeof name === 'string' ? name : refuse(option, 'a name, or what has one', value);
}

function seconds(value: unknown, option: string): number | null {
  if (value === null) return null;
  const ms = durationMs(value);
  return ms === undefined ? refuse(option, "seconds as a number, or a string such as '10s' or '5m'", value) : ms / 1000;
}

/** Redis clamps to 9, as kombu does there; what does not fit the octet of AMQP fits nowhere. */
function priority(value: unknown, option: string): number | null {
  if (value === null || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255)) return value as number | null;
  return refuse(option, "a whole number from 0 to 9 (on RabbitMQ to the queue's maximum, at most 255)", value);
}

function deliveryMode(value: DeliveryMode | null, option: string): number | null {
  switch (value) {
    case 'transient':
      return 1;
    case 'persistent':
      return 2;
    case 1:
    case 2:
    case null:
      return value;
    default:
      return refuse(option, "'transient' or 'persistent'", value);
  }
}

function moment(value: unknown, option: string): string {
  const ms =
    value instanceof Date
      ? value.getTime()
      : typeof value === 'object' && value !== null
        ? (value as { epochMilliseconds: number }).epochMilliseconds
        : Date.parse(String(value));
  if (!Number.isFinite(ms)) return refuse(option, 'a Date, an ISO-8601 text or a Temporal.Instant', value);
  // A text is handed on as it is: it may say more than milliseconds.
  return typeof value === 'string' ? value : pythonIso(ms);
}

function durationOrMoment(value: unknown, option: string): Value {
  return durationMs(value) === undefined ? moment(value, option) : seconds(value, option);
}

function signatures(value: Signature<any, unknown> | Errback | readonly (Signature<any, unknown> | Errback)[]): Value {
  const list = Array.isArray(value) ? (value as readonly (Signature<any, unknown> | Errback)[]) : [value as Signature<any, unknown> | Errback];
  return list.map((item) => {
    if (typeof (item as { readonly toJSON?: unknown }).toJSON !== 'function')
      throw new TypeError('link and linkError take signatures: write task.s() or task.si()');
    return (item as unknown as { toJSON(): Value }).toJSON();
  });
}

function retryPolicy(policy: NonNullable<ApplyOptions['retryPolicy']>): ValueMap {
  const { maxRetries, intervalStart, intervalStep, intervalMax, retryErrors } = policy;
  if (retryErrors !== undefined)
    throw new TypeError(
      'retryErrors cannot be written down in a signature or a route: give them to applyAsync() or sendTask(), or set them in taskPublishRetryPolicy',
    );
  return {
    ...(maxRetries === undefined ? {} : { max_retries: maxRetries }),
    ...(intervalStart === undefined ? {} : { interval_start: seconds(intervalStart, 'intervalStart') }),
    ...(intervalStep === undefined ? {} : { interval_step: seconds(intervalStep, 'intervalStep') }),
    ...(intervalMax === undefined ? {} : { interval_max: seconds(intervalMax, 'intervalMax') }),
  };
}
