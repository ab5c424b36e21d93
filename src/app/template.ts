import type { PlannedMessage } from '../canvas/plan.ts';
import type { OutgoingMessage, OutgoingRetryPolicy } from '../messaging/outgoing.ts';
import { encodeTaskBody, type TaskHeaders } from '../protocol/task-message.ts';
import type { MessageProperties } from '../protocol/wire-message.ts';
import type { Destination } from './router.ts';

const NO_OPTIONS = {};
const PLAIN = /^[ !#-[\]-~]*$/;
const ASCII = /^[ -~]*$/;

/** A JSON string; most texts need no escaping, and are then only quoted. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

/**
 * The message of a call that says nothing but arguments, made once per task. Only ids, arguments and their reprs differ from call to call,
 * so headers are text with holes (performance.md 6): 1.5 µs instead of 5 for the whole envelope.
 */
export class MessageTemplate {
  readonly #destination: Destination;
  readonly #retryPolicy: OutgoingRetryPolicy | null;
  readonly #properties: MessageProperties;
  readonly #beforeId: string;
  readonly #beforeRoot: string;
  readonly #afterKwargs: string;
  readonly #afterArgs: string;
  readonly #isAscii: boolean;

  /** `first` is any such call of the task. */
  constructor(
    first: PlannedMessage,
    destination: Destination,
    options: { readonly retryPolicy: OutgoingRetryPolicy | null; readonly properties: MessageProperties },
  ) {
    const { headers } = first.message;
    this.#destination = destination;
    this.#retryPolicy = options.retryPolicy;
    this.#properties = options.properties;
    const json = JSON.stringify;
    this.#beforeId = `{"lang":${json(headers.lang)},"task":${json(headers.task)},"id":"`;
    this.#beforeRoot = `","shadow":null,"eta":null,"expires":null,"group":null,"group_index":null,"retries":0,"timelimit":${json(headers.timelimit)},"root_id":`;
    this.#afterKwargs = `,"origin":${json(headers.origin)},"ignore_result":${json(headers.ignore_result)},"replaced_task_nesting":0,"stamped_headers":null,"stamps":{}}`;
    this.#afterArgs = `","kwargsrepr":"{}"${this.#afterKwargs}`;
    const { extra, replyTo = '' } = options.properties;
    const same = this.#beforeId + this.#beforeRoot + this.#afterKwargs + replyTo + destination.exchange + destination.routingKey;
    this.#isAscii = extra === undefined && ASCII.test(same);
  }

  outgoing({ message }: PlannedMessage): OutgoingMessage {
    const { headers } = message;
    const { replyTo, priority, expirationMs, persistent, extra } = this.#properties;
    const isPlain = headers.parent_id === null && headers.kwargsrepr === '{}' && PLAIN.test(headers.argsrepr!);
    return {
      message: {
        body: { text: encodeTaskBody(message) },
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers,
        headersText: isPlain ? this.#plainText(headers.id, headers.argsrepr!) : this.#text(headers),
        isAscii: this.#isAscii && isPlain,
        // Written out: spread, each would be an object of a new kind, and slow for all who read it.
        properties: { correlationId: headers.id, replyTo, priority, expirationMs, persistent, extra },
      },
      exchange: this.#destination.exchange,
      routingKey: this.#destination.routingKey,
      options: NO_OPTIONS,
      declare: this.#destination.declare,
      retryPolicy: this.#retryPolicy,
    };
  }

  /** Nobody's child, without keywords: most calls. Few pieces, since each costs again when they are joined. */
  #plainText(id: string, argsrepr: string): string {
    return `${this.#beforeId}${id}${this.#beforeRoot}"${id}","parent_id":null,"argsrepr":"${argsrepr}${this.#afterArgs}`;
  }

  /** Ids of our own need no escaping; a parent's came with a message. */
  #text({ id, root_id, parent_id, argsrepr, kwargsrepr }: TaskHeaders): string {
    const lineage = `${JSON.stringify(root_id)},"parent_id":${JSON.stringify(parent_id)}`;
    return `${this.#beforeId}${id}${this.#beforeRoot}${lineage},"argsrepr":${quoted(argsrepr!)},"kwargsrepr":${quoted(kwargsrepr!)}${this.#afterKwargs}`;
  }
}
