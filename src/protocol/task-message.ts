import { InvalidTaskError } from '../errors.ts';
import type { Value } from './json.ts';
import { isMap } from './signature.ts';
import { readBodyText } from './body-text.ts';
import { readTaskBody, type TaskBody } from './task-body.ts';
import { headersOfBody, readHeaders, type TaskHeaders } from './task-headers.ts';
import type { WireMessage } from './wire-message.ts';

export { readBodyText } from './body-text.ts';
export { KeptSteps } from './kept-steps.ts';
export { encodeTaskBody, endsHere, hasChord, keepText, keptEmbed, nextStep, readTaskBody, taskBodyValue, type Embed, type TaskBody } from './task-body.ts';
export { fillHeaders, type TaskHeaders } from './task-headers.ts';
/** A call as `compile` makes it: Celery's task message, protocol version 2. Names on the wire are Celery's own. */
export interface TaskMessage extends TaskBody {
  readonly headers: TaskHeaders;
}
/** A call as it came: headers at hand, body untouched, so that a parent can pass it on to a child without reading it. */
export interface ReceivedTask {
  readonly headers: TaskHeaders;
  readonly wire: WireMessage;
  readonly deliveryInfo: {
    readonly exchange: string;
    readonly routingKey: string;
    readonly queue: string;
    readonly priority: number | null;
    readonly redelivered: boolean;
  };
  /** Decoded when first asked for, then kept. A promise only where the codec has no synchronous form. Throws DecodeError. */
  body(): TaskBody | Promise<TaskBody>;
}

/** A message as a transport delivers it. */
export interface TaskSource {
  readonly message: WireMessage;
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
}
type Decode = (message: WireMessage) => Value | Promise<Value>;
/** The body's text, where that is plain JSON: then what follows the call is read only where somebody asks for it. */
type TextOf = (message: WireMessage) => string | undefined;

/**
 * Reads a task message. Protocol 2 is known by the header `task`, and its body is left alone; anything else is decoded, to see whether it is protocol 1.
 * Throws InvalidTaskError when it is no task message, or one that cannot be run; and what `decode` throws.
 */
export function receiveTask(source: TaskSource, decode: Decode, textOf?: TextOf): ReceivedTask | Promise<ReceivedTask> {
  const { message } = source;
  if (message.headers['task'] !== undefined) {
    return { headers: readHeaders(message.headers), wire: message, deliveryInfo: deliveryInfo(source), body: decodedOnce(message, decode, textOf) };
  }
  const value = decode(message);
  return value instanceof Promise ? value.then((body) => receiveFirstProtocol(source, body)) : receiveFirstProtocol(source, value);
}

function receiveFirstProtocol(source: TaskSource, value: Value): ReceivedTask {
  if (!isMap(value) || value['task'] === undefined) {
    throw new InvalidTaskError('not a task message: it has no header "task", and its body is not a map with a "task" (protocol 1)');
  }
  const body = readTaskBody({ args: [], ...value });
  return { headers: headersOfBody(value, source.message.headers), wire: source.message, deliveryInfo: deliveryInfo(source), body: () => body };
}

function deliveryInfo({ message, queue, exchange, routingKey, redelivered }: TaskSource): ReceivedTask['deliveryInfo'] {
  return { exchange, routingKey, queue, priority: message.properties.priority ?? null, redelivered };
}

function decodedOnce(message: WireMessage, decode: Decode, textOf: TextOf | undefined): () => TaskBody | Promise<TaskBody> {
  let body: TaskBody | Promise<TaskBody> | undefined;
  return () => {
    if (body === undefined) {
      const text = textOf?.(message);
      if (text !== undefined) return (body = readBodyText(text));
      const value = decode(message);
      body = value instanceof Promise ? value.then(readTaskBody) : readTaskBody(value);
    }
    return body;
  };
}
