import { DecodeError } from '../errors.ts';
import type { Value, ValueMap } from './json.ts';
import { isMap, shown } from './signature.ts';

/** What every event says. Times on the wire are seconds. */
export interface EventCommon {
  readonly type: string;
  readonly hostname: string;
  /** Hours west of UTC. */
  readonly utcoffset: number;
  readonly pid: number;
  /** The sender's Lamport clock; of `task-sent` it means nothing. */
  readonly clock: number;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

interface TaskFacts {
  readonly name: string;
  /** Representations, not values. */
  readonly args: string;
  readonly kwargs: string;
  readonly root_id: string | null;
  readonly parent_id: string | null;
  readonly retries: number;
  readonly eta: string | null;
  readonly expires: string | null;
}
interface WorkerFacts {
  readonly freq: number;
  readonly active: number;
  readonly processed: number;
  readonly loadavg: readonly number[];
  readonly sw_ident: string;
  readonly sw_ver: string;
  readonly sw_sys: string;
}

/** The fields of each event beside the common ones. */
export interface EventFields {
  readonly 'task-sent': TaskFacts & { readonly uuid: string; readonly queue: string; readonly exchange: string; readonly routing_key: string };
  readonly 'task-received': TaskFacts & { readonly uuid: string };
  readonly 'task-started': { readonly uuid: string };
  readonly 'task-succeeded': { readonly uuid: string; readonly result: string; readonly runtime: number };
  readonly 'task-failed': { readonly uuid: string; readonly exception: string; readonly traceback?: string };
  readonly 'task-retried': { readonly uuid: string; readonly exception: string; readonly traceback?: string };
  readonly 'task-revoked': { readonly uuid: string; readonly terminated: boolean; readonly signum: string | null; readonly expired: boolean };
  readonly 'task-rejected': { readonly uuid: string; readonly requeue: boolean };
  readonly 'worker-online': WorkerFacts;
  readonly 'worker-heartbeat': WorkerFacts;
  readonly 'worker-offline': WorkerFacts;
}
export type EventType = keyof EventFields;
/** An event of ours. */
export type Event<T extends EventType = EventType> = { [K in T]: EventCommon & { readonly type: K } & EventFields[K] }[T];
/** An event as it came: of a type known here, or anybody's. */
export type ReceivedEvent = EventCommon & ValueMap;

/** `task-received` is published under `task.received`. */
export const eventRoutingKey = (type: string): string => type.replaceAll('-', '.');

/**
 * The events in a message: one map, or a list that may be empty. What is missing is filled in, since anybody may send events; maps without a type, and what is no map, are left out.
 * Throws DecodeError when the body is neither map nor list.
 */
export function readEvents(value: Value): readonly ReceivedEvent[] {
  if (isMap(value)) return isEvent(value) ? [filled(value)] : [];
  if (!Array.isArray(value)) throw new DecodeError(`an event must be a map or a list of maps, not ${shown(value)}`);
  return (value as readonly Value[]).filter(isEvent).map(filled);
}

const isEvent = (value: Value): value is ValueMap & { readonly type: string } => isMap(value) && typeof value['type'] === 'string';

const filled = (event: ValueMap & { readonly type: string }): ReceivedEvent => ({
  ...event,
  hostname: typeof event['hostname'] === 'string' ? event['hostname'] : '',
  utcoffset: numberOr0(event['utcoffset']),
  pid: numberOr0(event['pid']),
  clock: numberOr0(event['clock']),
  timestamp: numberOr0(event['timestamp']),
});
const numberOr0 = (value: Value | undefined): number => (typeof value === 'number' ? value : 0);
