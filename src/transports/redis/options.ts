import { ImproperlyConfigured } from '../../errors.ts';
import type { Json, JsonObject } from '../../protocol/json.ts';
import { leaseTimes } from '../virtual/lease-times.ts';

/** Kombu's transport options of Redis, under kombu's names; the defaults are kombu's. */
export interface RedisTransportOptions {
  readonly globalKeyprefix: string;
  readonly separator: string;
  readonly prioritySteps: readonly number[];
  readonly unackedKey: string;
  readonly unackedIndexKey: string;
  readonly unackedMutexKey: string;
  readonly unackedMutexExpireMs: number;
  readonly visibilityTimeoutMs: number;
  /** Kombu looks for old entries every `unacked_restore_interval` s, and acts on every `unacked_restore_throttle`-th look. */
  readonly restoreEveryMs: number;
  readonly confirmMs: number;
  readonly leaseMs: number;
  /** What stands before an exchange's name on a channel: `/{db}.`. */
  readonly fanoutPrefix: string;
  readonly fanoutPatterns: boolean;
  /** Where kombu before 5.4 sends and listens behind sentinels: the prefix with its `{db}` left in. Undefined unless asked for (`sentinel_fanout_compat`). */
  readonly legacyFanoutPrefix: string | undefined;
  /** Whether to delete binding tables that are overdue: only where all peers know what keeps a table (`oldestPeer: '5.7'`). */
  readonly sweepsBindings: boolean;
  readonly socketTimeoutMs: number;
  readonly socketKeepalive: boolean;
}

/** @throws ImproperlyConfigured naming the option, what was expected and what came. */
export function redisTransportOptions(given: JsonObject, db: number, isSentinel = false): RedisTransportOptions {
  const prefix = given['fanout_prefix'] ?? true;
  const unformatted = typeof prefix === 'string' ? prefix : prefix === false ? '' : '/{db}.';
  const isCompatible = isSentinel && given['sentinel_fanout_compat'] === true && unformatted.includes('{db}');
  return {
    globalKeyprefix: textOf(given, 'global_keyprefix', ''),
    separator: textOf(given, 'sep', '\x06\x16'),
    prioritySteps: steps(given['priority_steps']),
    unackedKey: textOf(given, 'unacked_key', 'unacked'),
    unackedIndexKey: textOf(given, 'unacked_index_key', 'unacked_index'),
    unackedMutexKey: textOf(given, 'unacked_mutex_key', 'unacked_mutex'),
    unackedMutexExpireMs: numberOf(given, 'unacked_mutex_expire', 300) * 1000,
    restoreEveryMs: numberOf(given, 'unacked_restore_interval', 10) * Math.max(1, numberOf(given, 'unacked_restore_throttle', 10)) * 1000,
    ...leaseTimes(given),
    fanoutPrefix: unformatted.replaceAll('{db}', String(db)),
    legacyFanoutPrefix: isCompatible ? unformatted : undefined,
    sweepsBindings: given['sweep_bindings'] === true,
    fanoutPatterns: given['fanout_patterns'] !== false,
    socketTimeoutMs: numberOf(given, 'socket_timeout', 15) * 1000,
    socketKeepalive: given['socket_keepalive'] === true,
  };
}

/** `CLIENT SETNAME` takes no spaces or line ends. */
export const connectionName = (hostname: string | undefined, role: string): string => `celeriac/${hostname ?? process.pid}/${role}`.replaceAll(/\s/g, '_');

function textOf(given: JsonObject, name: string, otherwise: string): string {
  const value = given[name];
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== 'string') throw wrong(name, 'a string', value);
  return value;
}

function numberOf(given: JsonObject, name: string, otherwise: number): number {
  const value = given[name];
  if (value === undefined || value === null) return otherwise;
  const number = Number(value);
  if (!(number >= 0)) throw wrong(name, 'a number', value);
  return number;
}

function steps(value: Json | undefined): readonly number[] {
  if (value === undefined || value === null) return [0, 3, 6, 9];
  if (!Array.isArray(value) || value.length === 0 || !value.every((step) => typeof step === 'number'))
    throw wrong('priority_steps', 'a list of numbers', value);
  return (value as readonly number[]).toSorted((a, b) => a - b);
}

const wrong = (name: string, expected: string, value: Json): ImproperlyConfigured =>
  new ImproperlyConfigured(`brokerTransportOptions.${name}: ${expected} was expected, but it is ${JSON.stringify(value)}`);
