import { textIn, type ByteReader } from './bytes.ts';
import type { AmqpConnection } from './connection.ts';
import { AmqpConnectionLost, AmqpReplyError, AmqpSyntaxError } from './errors.ts';
import type { FieldTable } from './field-table.ts';
import { methodName, type Fields, type Method, type MethodName } from './methods.ts';
import { readProperties, type BasicProperties } from './properties.ts';

/**
 * A message as it came; without properties where those are `unreadable`. `body` is undefined where it was larger than the connection's `maxMessageBytes`: it was
 * read over, not kept. A body that came in one frame, is called UTF-8 and is, is given as text: a copy of its bytes costs more, and is read as text afterwards.
 */
export interface AmqpMessage {
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: BasicProperties;
  /** Why its properties could not be read. */
  readonly unreadable: AmqpSyntaxError | undefined;
  readonly body: string | Uint8Array | undefined;
  readonly bodyBytes: number;
}

export interface ConsumeCallbacks {
  onMessage(message: AmqpMessage): void;
  /** The broker ended this consumer: queue deleted, node gone. */
  onCancelled(): void;
}

/** The broker gave a mandatory message back: no queue takes it. */
export class AmqpReturned extends Error {
  override readonly name = 'AmqpReturned';
}

export interface AmqpPublishOptions {
  readonly mandatory?: boolean;
  /** Another error in place of what went wrong. */
  readonly toldAs?: (error: Error) => Error;
}

interface Pending {
  readonly expects: readonly MethodName[];
  readonly resolve: (method: Method) => void;
  readonly reject: (error: Error) => void;
}
interface Unconfirmed {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly key: string | undefined;
  returned: AmqpReturned | undefined;
}
/** The content that is coming in: its method, then its header, then its body in pieces. */
interface Incoming {
  readonly method: Extract<Method, { name: 'basic.deliver' | 'basic.get-ok' | 'basic.return' }>;
  properties: BasicProperties | undefined;
  unreadable: AmqpSyntaxError | undefined;
  bodyBytes: number;
  left: number;
  /** Those that have come of a body of several frames. */
  parts: Buffer[] | undefined;
}

/** One channel. Calls are answered in order; publishes are confirmed; what the broker closes takes the channel with it, not the connection. */
export class AmqpChannel {
  readonly id: number;
  /** Settles once: with nothing after a close of ours, else with the reason. */
  readonly closed: Promise<Error | undefined>;
  readonly #connection: AmqpConnection;
  readonly #settleClosed: (reason: Error | undefined) => void;
  readonly #calls: Pending[] = [];
  readonly #consumers = new Map<string, ConsumeCallbacks>();
  /** Those that were asked for, oldest first. */
  #gets: { readonly resolve: (message: AmqpMessage | undefined) => void; readonly reject: (error: Error) => void }[] = [];
  readonly #unconfirmed = new Map<number, Unconfirmed>();
  #nextPublish = 1;
  #oldestUnconfirmed = 1;
  #confirms: Promise<void> | undefined;
  /** Those that wait for leave; who comes after them waits, too. */
  #publishesWaiting = 0;
  #isFlowing = true;
  #waitingForFlow: (() => void)[] = [];
  #incoming: Incoming | undefined;
  #end: { readonly reason: Error | undefined } | undefined;
  /** Set once we have said that we close it: for what is said on it after that the broker ends the whole connection. */
  #isClosing = false;
  #tag = 0;

  constructor(connection: AmqpConnection, id: number) {
    this.#connection = connection;
    this.id = id;
    let settle!: (reason: Error | undefined) => void;
    this.closed = new Promise((resolve) => (settle = resolve));
    this.#settleClosed = settle;
  }

  get isOpen(): boolean {
    return this.#end === undefined && !this.#isClosing;
  }

  /** Publishes not yet confirmed. */
  get inFlight(): number {
    return this.#unconfirmed.size;
  }

  /** Sends a method and resolves with the answer to it. */
  call<N extends MethodName>(name: N, fields: Partial<Fields<N>>, ...expects: MethodName[]): Promise<Method> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(this.#gone());
      this.#calls.push({ expects, resolve, reject });
      try {
        this.#connection.sendMethod(this.id, name, fields);
      } catch (error) {
        this.#calls.pop();
        reject(error as Error);
      }
    });
  }

  /** Sends a method that has no answer. Nothing happens on a channel that is gone. */
  send<N extends MethodName>(name: N, fields: Partial<Fields<N>>): void {
    if (this.isOpen) this.#connection.sendMethod(this.id, name, fields);
  }

  /**
   * Resolves when the broker has taken responsibility. Rejects with AmqpReturned (mandatory, no queue), or when the broker refuses it or goes away;
   * with what `toldAs` makes of that, where it is given.
   */
  publish(exchange: string, routingKey: string, properties: BasicProperties, body: Uint8Array | string, options: AmqpPublishOptions = {}): Promise<void> {
    // Nearly always: one promise, where an async function needs four.
    if (this.#confirms !== undefined && this.#publishesWaiting === 0 && this.#takesPublishes)
      return this.#publishNow(exchange, routingKey, properties, body, options);
    return this.#publishLater(exchange, routingKey, properties, body, options);
  }

  get #takesPublishes(): boolean {
    return this.#isFlowing && !this.#connection.isCongested;
  }

  async #publishLater(...publish: Parameters<AmqpChannel['publish']>): Promise<void> {
    this.#publishesWaiting += 1;
    try {
      await (this.#confirms ??= this.call('confirm.select', {}, 'confirm.select-ok').then(() => undefined));
      while (!this.#takesPublishes) await this.#untilFlowing();
    } catch (error) {
      throw publish[4]?.toldAs?.(error as Error) ?? error;
    } finally {
      this.#publishesWaiting -= 1;
    }
    return this.#publishNow(...publish);
  }

  #publishNow(exchange: string, routingKey: string, properties: BasicProperties, body: Uint8Array | string, options: AmqpPublishOptions = {}): Promise<void> {
    const { mandatory = false, toldAs } = options;
    return new Promise((resolve, rejectWith) => {
      const reject = toldAs === undefined ? rejectWith : (error: Error): void => rejectWith(toldAs(error));
      if (!this.isOpen) return reject(this.#gone());
      try {
        this.#connection.sendContent(this.id, { exchange, routingKey, mandatory }, properties, body);
      } catch (error) {
        return reject(error as Error);
      }
      const key = mandatory ? `${exchange}\0${routingKey}\0${properties.correlationId ?? ''}` : undefined;
      this.#unconfirmed.set(this.#nextPublish++, { resolve, reject, key, returned: undefined });
    });
  }

  async #untilFlowing(): Promise<void> {
    if (!this.isOpen) throw this.#gone();
    if (this.#connection.isCongested) await this.#connection.drained();
    else await new Promise<void>((resolve) => this.#waitingForFlow.push(resolve));
  }

  /** The tag is ours, so that a message that overtakes the answer finds its consumer. */
  async consume(
    queue: string,
    callbacks: ConsumeCallbacks,
    options: { readonly noAck?: boolean; readonly exclusive?: boolean; readonly arguments?: FieldTable } = {},
  ): Promise<string> {
    const consumerTag = `celeriac-${this.id}.${(this.#tag += 1)}`;
    this.#consumers.set(consumerTag, callbacks);
    await this.call(
      'basic.consume',
      { queue, consumerTag, noAck: options.noAck ?? false, exclusive: options.exclusive ?? false, arguments: options.arguments ?? {} },
      'basic.consume-ok',
    ).catch((error: unknown) => {
      this.#consumers.delete(consumerTag);
      throw error;
    });
    return consumerTag;
  }

  /** What was delivered before the answer still reaches the consumer. */
  async cancel(consumerTag: string): Promise<void> {
    await this.call('basic.cancel', { consumerTag }, 'basic.cancel-ok');
    this.#consumers.delete(consumerTag);
  }

  get(queue: string): Promise<AmqpMessage | undefined> {
    return new Promise((resolve, reject) => {
      const get = { resolve, reject };
      this.#gets.push(get);
      const forget = (): void => void this.#gets.splice(this.#gets.indexOf(get), 1);
      this.call('basic.get', { queue }, 'basic.get-ok', 'basic.get-empty').then(
        (answer) => {
          // Else its message follows.
          if (answer.name !== 'basic.get-empty') return;
          forget();
          resolve(undefined);
        },
        (error: unknown) => {
          forget();
          reject(error as Error);
        },
      );
    });
  }

  async close(): Promise<void> {
    if (!this.isOpen) return void (await this.closed);
    const answered = this.call('channel.close', { replyCode: 200, replyText: 'done' }, 'channel.close-ok');
    this.#isClosing = true;
    // Without an answer the connection is gone, and the channel with it: closed is what was asked for.
    await answered.catch(() => undefined);
    this.finish(undefined);
  }

  /** @internal A method for this channel. */
  onMethod(method: Method): void {
    if (this.#incoming !== undefined) throw new AmqpSyntaxError(`${method.name} came in the middle of a message`);
    switch (method.name) {
      case 'basic.deliver':
      case 'basic.return':
        this.#incoming = { method, properties: undefined, unreadable: undefined, bodyBytes: 0, left: 0, parts: undefined };
        return;
      case 'basic.get-ok':
        this.#answer(method);
        this.#incoming = { method, properties: undefined, unreadable: undefined, bodyBytes: 0, left: 0, parts: undefined };
        return;
      case 'basic.ack':
        return this.#confirm(method.fields.deliveryTag, method.fields.multiple, undefined);
      case 'basic.nack':
        return this.#confirm(
          method.fields.deliveryTag,
          method.fields.multiple,
          new AmqpReplyError('channel', 0, 'the broker refused the message (basic.nack): a queue is full or failed', 'basic.publish'),
        );
      case 'basic.cancel':
        return this.#cancelled(method.fields.consumerTag, method.fields.nowait);
      case 'channel.flow':
        return this.#flow(method.fields.active);
      case 'channel.close': {
        const { replyCode, replyText, classId, methodId } = method.fields;
        this.#connection.sendMethod(this.id, 'channel.close-ok', {});
        return this.finish(new AmqpReplyError('channel', replyCode, replyText, methodName(classId, methodId)));
      }
      default:
        return this.#answer(method);
    }
  }

  #answer(method: Method): void {
    const call = this.#calls[0];
    // It stays in the queue, to be rejected with the others when that ends the connection.
    if (call?.expects.includes(method.name) !== true)
      throw new AmqpSyntaxError(`${method.name} came, ${call === undefined ? 'nothing' : call.expects.join(' or ')} was expected`);
    this.#calls.shift();
    call.resolve(method);
  }

  /** @internal */
  onHeader(input: ByteReader): void {
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.properties !== undefined) throw new AmqpSyntaxError('a content header came that belongs to no message');
    input.u16();
    input.u16();
    incoming.bodyBytes = incoming.left = input.u64Number();
    try {
      incoming.properties = readProperties(input);
    } catch (error) {
      if (!(error instanceof AmqpSyntaxError)) throw error;
      // What a publisher wrote there is no fault of the broker's: such a message is for its reader to refuse. Had it ended the connection, it would be delivered again and end the next one, too.
      incoming.properties = {};
      incoming.unreadable = error;
    }
    if (incoming.left === 0) this.#arrived(incoming, NO_BYTES);
  }

  /** @internal */
  onBody(buffer: Buffer, start: number, end: number): void {
    const incoming = this.#incoming;
    if (incoming?.properties === undefined || end - start > incoming.left) throw new AmqpSyntaxError('a piece of a body came that belongs to no message');
    incoming.left -= end - start;
    const isWhole = incoming.left === 0;
    if (incoming.bodyBytes > this.#connection.maxMessageBytes) {
      if (isWhole) this.#arrived(incoming, undefined);
      return;
    }
    if (isWhole && incoming.parts === undefined) {
      const text = incoming.properties.contentEncoding === 'utf-8' ? textIn(buffer, start, end) : undefined;
      return this.#arrived(incoming, text ?? copied(buffer, start, end));
    }
    (incoming.parts ??= []).push(copied(buffer, start, end));
    if (isWhole) this.#arrived(incoming, Buffer.concat(incoming.parts));
  }

  #arrived({ method, properties, unreadable, bodyBytes }: Incoming, body: AmqpMessage['body']): void {
    this.#incoming = undefined;
    const { exchange, routingKey } = method.fields;
    if (method.name === 'basic.return') return this.#returned(method.fields, properties!);
    const message: AmqpMessage = {
      deliveryTag: method.fields.deliveryTag,
      redelivered: method.fields.redelivered,
      exchange,
      routingKey,
      properties: properties!,
      unreadable,
      body,
      bodyBytes,
    };
    if (method.name === 'basic.get-ok') this.#gets.shift()?.resolve(message);
    else this.#consumers.get(method.fields.consumerTag)?.onMessage(message);
  }

  /** A return comes before the confirm of the same message: the oldest mandatory one with its address is meant. */
  #returned(fields: Fields<'basic.return'>, properties: BasicProperties): void {
    const key = `${fields.exchange}\0${fields.routingKey}\0${properties.correlationId ?? ''}`;
    for (const publish of this.#unconfirmed.values()) {
      if (publish.key !== key || publish.returned !== undefined) continue;
      publish.returned = new AmqpReturned(
        `no queue takes messages from exchange ${JSON.stringify(fields.exchange)} with routing key ${JSON.stringify(fields.routingKey)}: ${fields.replyText} (${fields.replyCode})`,
      );
      return;
    }
  }

  #confirm(tag: number, isMultiple: boolean, refusal: Error | undefined): void {
    if (tag >= this.#nextPublish) throw new AmqpSyntaxError(`a confirm for publish ${tag} came, but only ${this.#nextPublish - 1} were made`);
    for (let number = isMultiple ? this.#oldestUnconfirmed : tag; number <= tag; number++) {
      const publish = this.#unconfirmed.get(number);
      if (publish === undefined) continue;
      this.#unconfirmed.delete(number);
      const error = refusal ?? publish.returned;
      if (error === undefined) publish.resolve();
      else publish.reject(error);
    }
    if (isMultiple || tag === this.#oldestUnconfirmed) this.#oldestUnconfirmed = tag + 1;
  }

  #cancelled(consumerTag: string, nowait: boolean): void {
    if (!nowait) this.send('basic.cancel-ok', { consumerTag });
    const consumer = this.#consumers.get(consumerTag);
    this.#consumers.delete(consumerTag);
    consumer?.onCancelled();
  }

  #flow(isActive: boolean): void {
    this.#isFlowing = isActive;
    this.send('channel.flow-ok', { active: isActive });
    if (isActive) for (const resume of this.#waitingForFlow.splice(0)) resume();
  }

  /** @internal The channel has ended, and everything that waits on it. */
  finish(reason: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    const error = this.#gone();
    for (const call of this.#calls.splice(0)) call.reject(error);
    for (const get of this.#gets) get.reject(error);
    this.#gets = [];
    for (const publish of this.#unconfirmed.values()) publish.reject(error);
    this.#unconfirmed.clear();
    for (const resume of this.#waitingForFlow.splice(0)) resume();
    this.#consumers.clear();
    this.#connection.forget(this.id);
    this.#settleClosed(reason);
  }

  #gone(): Error {
    return this.#end?.reason ?? new AmqpConnectionLost('the channel is closed');
  }
}

const NO_BYTES = new Uint8Array();

/** The socket's buffer goes on to other uses, and a small body must not keep a large one alive. */
function copied(buffer: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  buffer.copy(copy, 0, start, end);
  return copy;
}
