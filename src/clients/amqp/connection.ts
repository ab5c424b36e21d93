import { connect as connectTcp, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../../kernel/clock.ts';
import type { TlsOptions } from '../tls.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { AmqpChannel } from './channel.ts';
import { AmqpConnectionLost, AmqpReplyError, AmqpSyntaxError } from './errors.ts';
import type { FieldTable } from './field-table.ts';
import { FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD, FRAME_OVERHEAD, FrameParser, PROTOCOL_HEADER } from './frames.ts';
import { METHODS, methodName, readMethod, writeMethod, writePublish, type Fields, type Method, type MethodName, type Publish } from './methods.ts';
import { saslResponse, type Mechanism } from './sasl.ts';
import { writeProperties, type BasicProperties } from './properties.ts';

export interface AmqpOptions {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly mechanism?: Mechanism | undefined;
  readonly virtualHost: string;
  readonly tls?: TlsOptions | undefined;
  /** Shown by the broker's tools. */
  readonly name: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What we ask for; the broker may want less. 0: none. */
  readonly heartbeatMs: number;
  /** Larger bodies are read over and not kept. */
  readonly maxMessageBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** Another way to the broker than TCP or TLS: a tunnel, or a test's own. */
  readonly connect?: (() => Promise<AmqpStream>) | undefined;
}

/** What the client needs of a socket. */
export type AmqpStream = Pick<Socket, 'on' | 'off' | 'write' | 'end' | 'destroy' | 'ref' | 'unref' | 'writableLength'>;

const FRAME_MAX = 131_072;
const CHANNEL_MAX = 2047;
/** Bytes waiting in the socket from which on publishers wait, too. */
const CONGESTED_BYTES = 4 * 1024 * 1024;
/** A close that the broker does not answer is over after this. */
const CLOSE_TIMEOUT_MS = 3000;

/** One connection to an AMQP 0-9-1 broker. Everything that is written in one tick leaves in one piece, without Nagle's delay. */
export class AmqpConnection {
  /** Settles once: with nothing after a close of ours, else with the reason. */
  readonly closed: Promise<Error | undefined>;
  readonly maxMessageBytes: number;
  readonly #options: AmqpOptions;
  readonly #socket: AmqpStream;
  readonly #parser: FrameParser;
  /** Of the frame that is being read. */
  readonly #in = new ByteReader(Buffer.alloc(0));
  readonly #out = new ByteWriter();
  readonly #channels = new Map<number, AmqpChannel>();
  readonly #settleClosed: (reason: Error | undefined) => void;
  #frameMax = FRAME_MAX;
  #channelMax = CHANNEL_MAX;
  #nextChannel = 0;
  #isFlushing = false;
  #calls: { readonly expects: MethodName; readonly resolve: (method: Method) => void; readonly reject: (error: Error) => void }[] = [];
  #draining: Promise<void> | undefined;
  #end: { readonly reason: Error | undefined } | undefined;
  #heartbeat: Disposable | undefined;
  #heardSince = true;
  #saidSince = false;
  #onBlocked: ((reason: string | undefined) => void) | undefined;
  serverProperties: FieldTable = {};

  private constructor(options: AmqpOptions, socket: AmqpStream) {
    this.#options = options;
    this.maxMessageBytes = options.maxMessageBytes;
    this.#socket = socket;
    this.#parser = new FrameParser((type, channel, buffer, start, end) => this.#onFrame(type, channel, buffer, start, end));
    let settle!: (reason: Error | undefined) => void;
    this.closed = new Promise((resolve) => (settle = resolve));
    this.#settleClosed = settle;
    socket.on('data', (chunk) => this.#onData(chunk as Buffer));
    socket.on('error', (error) =>
      this.#finish(new AmqpConnectionLost(`the connection to ${options.host}:${options.port} broke: ${error.message}`, { cause: error })),
    );
    socket.on('close', () =>
      this.#finish(
        new AmqpConnectionLost(
          `${options.host}:${options.port} closed the connection${this.#isOpen ? '' : ' while it was being opened: user, password or virtual host may be wrong'}`,
        ),
      ),
    );
  }

  /** Connects, authenticates and opens the virtual host. Rejects with AmqpReplyError, AmqpConnectionLost or AmqpSyntaxError. */
  static async open(options: AmqpOptions): Promise<AmqpConnection> {
    const socket = await (options.connect?.() ?? openSocket(options));
    const connection = new AmqpConnection(options, socket);
    const timer = options.clock.schedule(options.timeoutMs, () =>
      connection.#finish(new AmqpConnectionLost(`${options.host}:${options.port} did not answer the AMQP greeting within ${options.timeoutMs} ms`)),
    );
    const onAbort = (): void => connection.#finish(new AmqpConnectionLost('connecting was aborted', { cause: options.signal?.reason }));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await connection.#handshake();
      return connection;
    } catch (error) {
      connection.#finish(error as Error);
      throw error;
    } finally {
      timer[Symbol.dispose]();
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  #isOpen = false;

  async #handshake(): Promise<void> {
    const starting = this.#expect('connection.start');
    this.#socket.write(PROTOCOL_HEADER);
    const start = (await starting).fields as Fields<'connection.start'>;
    this.serverProperties = start.serverProperties;
    const offered = start.mechanisms.split(' ');
    const { mechanism = 'PLAIN', username, password } = this.#options;
    if (!offered.includes(mechanism)) throw new AmqpSyntaxError(`the broker does not offer the login mechanism ${mechanism}; it offers ${offered.join(', ')}`);
    const tuning = this.#expect('connection.tune');
    this.sendMethod(0, 'connection.start-ok', {
      clientProperties: clientProperties(this.#options.name),
      mechanism,
      response: saslResponse(mechanism, username, password),
      locale: 'en_US',
    });
    const tune = (await tuning).fields as Fields<'connection.tune'>;
    this.#frameMax = this.#parser.maxFrameBytes = least(tune.frameMax, FRAME_MAX);
    this.#channelMax = least(tune.channelMax, CHANNEL_MAX);
    const heartbeat = least(tune.heartbeat, Math.ceil(this.#options.heartbeatMs / 1000));
    const opening = this.#expect('connection.open-ok');
    this.sendMethod(0, 'connection.tune-ok', {
      channelMax: this.#channelMax,
      frameMax: this.#frameMax,
      heartbeat: this.#options.heartbeatMs === 0 ? 0 : heartbeat,
    });
    this.sendMethod(0, 'connection.open', { virtualHost: this.#options.virtualHost });
    await opening;
    this.#isOpen = true;
    if (this.#options.heartbeatMs > 0 && heartbeat > 0) this.#beat((heartbeat * 1000) / 2, 0);
  }

  /** Twice in each interval: says something if nothing was said; after two whole intervals of silence the peer is gone. */
  #beat(everyMs: number, silent: number): void {
    const beat = (): void => {
      const quiet = this.#heardSince ? 0 : silent + 1;
      if (quiet >= 4)
        return this.#finish(
          new AmqpConnectionLost(`nothing came from ${this.#options.host}:${this.#options.port} for two heartbeat intervals (${(everyMs * 4) / 1000} s)`),
        );
      if (!this.#saidSince) {
        this.#out.u8(FRAME_HEARTBEAT);
        this.#out.u16(0);
        this.#out.u32(0);
        this.#out.u8(FRAME_END);
        this.#flushSoon();
      }
      this.#heardSince = this.#saidSince = false;
      this.#beat(everyMs, quiet);
    };
    this.#heartbeat = this.#options.clock.schedule(everyMs, beat, { background: true });
  }

  async openChannel(): Promise<AmqpChannel> {
    if (this.#end !== undefined) throw this.#gone();
    if (this.#channels.size >= this.#channelMax) throw new AmqpSyntaxError(`all ${this.#channelMax} channels of the connection are in use`);
    do this.#nextChannel = (this.#nextChannel % this.#channelMax) + 1;
    while (this.#channels.has(this.#nextChannel));
    const channel = new AmqpChannel(this, this.#nextChannel);
    this.#channels.set(channel.id, channel);
    await channel.call('channel.open', {}, 'channel.open-ok');
    return channel;
  }

  /** Heard when the broker stops taking publishes (with its reason), and when it takes them again (undefined). */
  onBlocked(listener: (reason: string | undefined) => void): void {
    this.#onBlocked = listener;
  }

  /** Gives the broker a new password for this connection (OAuth tokens). */
  async updateSecret(secret: string, reason: string): Promise<void> {
    const answered = this.#expect('connection.update-secret-ok');
    this.sendMethod(0, 'connection.update-secret', { newSecret: secret, reason });
    await answered;
  }

  /** Says goodbye and waits for the answer, for a few seconds at most. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#end !== undefined) return;
    const answered = this.#expect('connection.close-ok');
    this.sendMethod(0, 'connection.close', { replyCode: 200, replyText: 'done' });
    const timer = this.#options.clock.schedule(CLOSE_TIMEOUT_MS, () => this.#finish(undefined));
    await answered.catch(() => undefined);
    timer[Symbol.dispose]();
    this.#finish(undefined);
  }

  /** Idle sockets must not hold a process open; busy ones may. */
  unref(): void {
    this.#socket.unref();
  }

  ref(): void {
    this.#socket.ref();
  }

  /** More waits to be written than the peer takes. */
  get isCongested(): boolean {
    return this.#socket.writableLength + this.#out.length > CONGESTED_BYTES;
  }

  drained(): Promise<void> {
    this.#draining ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.#draining = undefined;
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        resolve();
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
    return this.#draining;
  }

  /** @internal */
  sendMethod<N extends MethodName>(channel: number, name: N, fields: Partial<Fields<N>>): void {
    if (this.#end !== undefined) return;
    const before = this.#out.length;
    try {
      const at = this.#beginFrame(FRAME_METHOD, channel);
      writeMethod(this.#out, name, fields);
      this.#endFrame(at);
    } catch (error) {
      this.#out.truncate(before);
      throw error;
    }
    this.#flushSoon();
  }

  /** @internal A publish: method, header and the body in as many frames as it needs. */
  sendContent(channel: number, publish: Publish, properties: BasicProperties, body: Uint8Array | string): void {
    const out = this.#out;
    const before = out.length;
    const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const room = this.#frameMax - FRAME_OVERHEAD;
    try {
      const method = this.#beginFrame(FRAME_METHOD, channel);
      writePublish(out, publish);
      this.#endFrame(method);
      const header = this.#beginFrame(FRAME_HEADER, channel);
      out.u16(METHODS['basic.publish'][0]);
      out.u16(0);
      out.u64Number(bytes);
      writeProperties(out, properties);
      this.#endFrame(header);
    } catch (error) {
      out.truncate(before);
      throw error;
    }
    if (typeof body === 'string' && bytes > 0 && bytes <= room) this.#bodyFrame(channel, body);
    else {
      const all = typeof body === 'string' ? Buffer.from(body) : body;
      for (let at = 0; at < bytes; at += room) this.#bodyFrame(channel, all.subarray(at, at + room));
    }
    this.#flushSoon();
  }

  #bodyFrame(channel: number, part: Uint8Array | string): void {
    const at = this.#beginFrame(FRAME_BODY, channel);
    if (typeof part === 'string') this.#out.text(part);
    else this.#out.bytes(part);
    this.#endFrame(at);
  }

  /** Gives the place of the length, for `#endFrame`. */
  #beginFrame(type: number, channel: number): number {
    this.#out.u8(type);
    this.#out.u16(channel);
    return this.#out.reserve(4);
  }

  #endFrame(at: number): void {
    if (this.#out.length - at - 4 + FRAME_OVERHEAD > this.#frameMax)
      throw new AmqpSyntaxError(`the headers of a message are larger than a frame of ${this.#frameMax} bytes`);
    this.#out.fillLength(at);
    this.#out.u8(FRAME_END);
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.#end !== undefined || this.#out.length === 0) return;
      this.#saidSince = true;
      this.#socket.write(this.#out.take());
    });
  }

  #onData(chunk: Buffer): void {
    this.#heardSince = true;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      // Best effort: the broker learns why; the connection is of no use any more.
      if (this.#isOpen) this.sendMethod(0, 'connection.close', { replyCode: 501, replyText: 'frame error' });
      this.#finish(error as Error);
    }
  }

  #onFrame(type: number, channel: number, buffer: Buffer, start: number, end: number): void {
    if (this.#end !== undefined || type === FRAME_HEARTBEAT) return;
    const target = channel === 0 ? undefined : this.#channels.get(channel);
    if (type === FRAME_METHOD) {
      const method = readMethod(this.#in.to(buffer, start, end));
      if (channel === 0) this.#onMethod(method);
      // A channel that we have left behind may still be told things.
      else target?.onMethod(method);
    } else if (type === FRAME_HEADER) target?.onHeader(this.#in.to(buffer, start, end));
    else if (type === FRAME_BODY) target?.onBody(buffer, start, end);
    else throw new AmqpSyntaxError(`a frame of the unknown type ${type} came`);
  }

  #onMethod(method: Method): void {
    switch (method.name) {
      case 'connection.close': {
        const { replyCode, replyText, classId, methodId } = method.fields;
        this.sendMethod(0, 'connection.close-ok', {});
        return queueMicrotask(() => this.#finish(new AmqpReplyError('connection', replyCode, replyText, methodName(classId, methodId))));
      }
      case 'connection.blocked':
        return this.#onBlocked?.(method.fields.reason);
      case 'connection.unblocked':
        return this.#onBlocked?.(undefined);
      default: {
        const call = this.#calls[0];
        if (call?.expects !== method.name) throw new AmqpSyntaxError(`${method.name} came, ${call?.expects ?? 'nothing'} was expected`);
        this.#calls.shift();
        call.resolve(method);
      }
    }
  }

  #expect(name: MethodName): Promise<Method> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) reject(this.#gone());
      else this.#calls.push({ expects: name, resolve, reject });
    });
  }

  /** @internal */
  forget(channel: number): void {
    this.#channels.delete(channel);
  }

  #finish(reason: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { reason };
    this.#heartbeat?.[Symbol.dispose]();
    this.#socket.end();
    // A peer that does not read must not keep the socket for ever.
    this.#options.clock.schedule(100, () => this.#socket.destroy());
    const error = this.#gone();
    for (const call of this.#calls.splice(0)) call.reject(error);
    for (const channel of this.#channels.values()) channel.finish(reason);
    this.#settleClosed(reason);
  }

  #gone(): Error {
    return this.#end?.reason ?? new AmqpConnectionLost('the connection is closed');
  }
}

/** 0 means no limit of the peer's. */
const least = (theirs: number, ours: number): number => (theirs === 0 ? ours : Math.min(theirs, ours));

const clientProperties = (name: string): FieldTable => ({
  product: 'celeriac',
  platform: `Node.js ${process.version}`,
  connection_name: name,
  hostname: hostname(),
  capabilities: {
    publisher_confirms: true,
    exchange_exchange_bindings: true,
    'basic.nack': true,
    consumer_cancel_notify: true,
    'connection.blocked': true,
    authentication_failure_close: true,
  },
});

function openSocket(options: AmqpOptions): Promise<Socket> {
  const { host, port, tls, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const servername = tls?.servername ?? host;
    const socket =
      tls === undefined
        ? connectTcp({ host, port, noDelay: true })
        : connectTls({ host, port, ...definedOf(tls), ...(/^[\d.]+$|:/.test(servername) ? {} : { servername }) });
    const fail = (error: Error): void => {
      socket.destroy();
      settle();
      reject(error);
    };
    const timer = options.clock.schedule(timeoutMs, () => fail(new AmqpConnectionLost(`cannot connect to ${host}:${port}: no answer within ${timeoutMs} ms`)));
    const onError = (error: Error): void => fail(new AmqpConnectionLost(`cannot connect to ${host}:${port}: ${error.message}`, { cause: error }));
    const onAbort = (): void => fail(new AmqpConnectionLost('connecting was aborted', { cause: signal?.reason }));
    const settle = (): void => {
      timer[Symbol.dispose]();
      socket.off('error', onError);
      signal?.removeEventListener('abort', onAbort);
    };
    socket.once('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** Node's TLS takes no `undefined` for an option left out. */
const definedOf = (tls: TlsOptions): object => Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
