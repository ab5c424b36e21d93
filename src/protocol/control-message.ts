import { InvalidTaskError } from '../errors.ts';
import type { JsonObject, Value, ValueMap } from './json.ts';
import { isMap, listOf, mapOf, shown } from './signature.ts';

/** A remote control command, as the body of a message to the exchange `celery.pidbox`. */
export interface ControlRequest {
  readonly method: string;
  readonly arguments: ValueMap;
  /** Node names; null is everyone, or those that `pattern` names. */
  readonly destination: readonly string[] | null;
  readonly pattern: string | null;
  readonly matcher: 'glob' | 'pcre' | null;
  /** Both absent when no reply is wanted. */
  readonly ticket?: string;
  readonly reply_to?: ReplyAddress;
}
export interface ReplyAddress {
  readonly exchange: string;
  readonly routing_key: string;
}
/** Headers of a command. */
export interface ControlHeaders extends JsonObject {
  readonly clock: number;
  /** Seconds since the epoch; 0 for none. */
  readonly expires: number;
}

/** What one node answers: its name, and the command's value or error. */
export interface ControlReply {
  readonly node: string;
  readonly value: Value;
}
/** Headers of an answer. */
export interface ReplyHeaders extends JsonObject {
  readonly ticket: string;
  readonly clock: number;
}

/** A command in kombu's order of keys. */
export const controlRequestValue = ({ ticket, reply_to, ...request }: ControlRequest): ValueMap => ({
  method: request.method,
  arguments: request.arguments,
  destination: request.destination,
  pattern: request.pattern,
  matcher: request.matcher,
  ...(ticket === undefined ? {} : { ticket }),
  ...(reply_to === undefined ? {} : { reply_to: { ...reply_to } }),
});

/** A command as it came. Throws InvalidTaskError when it is none. */
export function readControlRequest(value: Value): ControlRequest {
  if (!isMap(value) || typeof value['method'] !== 'string') throw new InvalidTaskError(`a control command must be a map with a method, not ${shown(value)}`);
  const { method, destination, pattern, matcher, ticket } = value;
  const address = value['reply_to'];
  return {
    method,
    arguments: mapOf(value['arguments'], `the arguments of the command ${method}`),
    destination: destination === undefined || destination === null ? null : nodeNames(destination, method),
    pattern: typeof pattern === 'string' ? pattern : null,
    matcher: matcher === 'glob' || matcher === 'pcre' ? matcher : null,
    ...(typeof ticket === 'string' ? { ticket } : {}),
    ...(isMap(address) ? { reply_to: { exchange: String(address['exchange'] ?? ''), routing_key: String(address['routing_key'] ?? '') } } : {}),
  };
}

/** A single name is as good as a list of one. */
const nodeNames = (value: Value, method: string): readonly string[] =>
  (typeof value === 'string' ? [value] : listOf(value, `the destination of the command ${method}`)).map(String);

/** A reply as a body: one key, the node's name. */
export const controlReplyValue = ({ node, value }: ControlReply): ValueMap => ({ [node]: value });

/** The replies in a body. Throws InvalidTaskError when it holds none. */
export function readControlReply(value: Value): readonly ControlReply[] {
  if (!isMap(value)) throw new InvalidTaskError(`a reply to a control command must be a map, not ${shown(value)}`);
  return Object.entries(value).map(([node, answer = null]) => ({ node, value: answer }));
}
