import type { Clock } from '../kernel/clock.ts';
import { deferred } from '../kernel/deferred.ts';
import type { LamportClock } from '../kernel/lamport-clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { BrokerLink } from '../messaging/link.ts';
import { decodeJson } from '../protocol/json-text.ts';
import type { Json, JsonObject } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import type { SerializerRegistry } from '../serialization/registry.ts';
import type { Channel } from '../transports/transport.ts';

/** So many task events travel in one message at most; a tick's events otherwise. */
const BATCH = 200;
/** Events kept while the broker is away; then the oldest go. */
const MAX_WAITING = 10_000;
/** What is still on its way may take this long when the dispatcher closes. */
const CLOSE_MS = 1000;
/** After a channel was lost alone the next one is tried for no sooner than this. */
const REVIVE_MS = 1000;
/** What may stand between quotes in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

export interface EventDispatcherOptions {
  readonly link: BrokerLink;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lamport: LamportClock;
  readonly serializers: SerializerRegistry;
  /** `eventExchange` and `eventSerializer`. */
  readonly exchange: string;
  readonly serializer: string;
  readonly hostname: string;
  readonly pid: number;
}

/**
 * Sends events (wire.md 7): those about tasks in batches, a list a tick, and those about the worker one by one. Whoever has an event looks at
 * `sendsTasks` first: while nobody asked for events nothing is built. Never throws and never waits: events may get lost, tasks may not.
 */
export class EventDispatcher {
  /** Whether anybody asked for events about tasks (`-E`, `enable_events`). */
  sendsTasks = false;
  readonly #options: EventDispatcherOptions;
  readonly #start: string;
  #waiting: string[] = [];
  #channel: Channel | undefined;
  #isScheduled = false;
  #sending: Promise<void> = Promise.resolve();
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #triedAtMs = -Infinity;

  constructor(options: EventDispatcherOptions) {
    this.#options = options;
    const utcoffset = new Date(options.clock.now()).getTimezoneOffset() / 60;
    this.#start = `{"hostname":${jsonString(options.hostname)},"utcoffset":${utcoffset},"pid":${options.pid},"clock":`;
  }

  /** False where the transport has no broadcast: nobody would hear. */
  get isPossible(): boolean {
    return this.#options.link.transport.capabilities.broadcast !== false;
  }

  /** Opens its channel; what waits since the last one goes out. */
  open(): Promise<void> {
    this.#isOpen = true;
    this.#triedAtMs = this.#options.clock.monotonic();
    this.#opening ??= this.#openChannel().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openChannel(): Promise<void> {
    const { exchange, link } = this.#options;
    const type = link.transport.capabilities.broadcast;
    if (type === false) return;
    const channel = await (await link.connection()).openChannel();
    await channel.declareExchange({ name: exchange, type, durable: true, autoDelete: false, arguments: {} });
    if (!this.#isOpen) return channel[Symbol.asyncDispose]();
    this.#channel = channel;
    void channel.closed.then(() => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** Its channel may go alone: the exchange was deleted, or it has a connection of its own. Whoever has something to say has it opened again. */
  #revive(): void {
    const { clock, log } = this.#options;
    if (!this.#isOpen || clock.monotonic() - this.#triedAtMs < REVIVE_MS) return;
    this.open().catch((error: unknown) => log.debug('events cannot be sent yet', { error }));
  }

  /** Sends what waits, as far as the broker is there, and lets go of the channel. */
  async close(): Promise<void> {
    this.#isOpen = false;
    this.#flush();
    const late = deferred<void>();
    const timer = this.#options.clock.schedule(CLOSE_MS, late.resolve);
    await Promise.race([this.#sending, late.promise]);
    const channel = this.#channel;
    this.#channel = undefined;
    await Promise.race([channel?.[Symbol.asyncDispose](), late.promise]);
    timer[Symbol.dispose]();
  }

  /** An event about a task. `fields` is JSON text, each field with a comma before it (`field` and `textField` make them). */
  task(type: string, uuid: string, fields: string): void {
    if (!this.sendsTasks || !this.isPossible) return;
    if (this.#waiting.length >= MAX_WAITING) this.#waiting.splice(0, BATCH);
    this.#waiting.push(this.#event(type, `,"uuid":${jsonString(uuid)}${fields}`));
    if (this.#waiting.length >= BATCH && this.#channel !== undefined) this.#flush();
    else this.#schedule();
  }

  /** A task's own event (`self.sendEvent`). */
  custom(type: string, fields: JsonObject): void {
    if (!this.sendsTasks) return;
    const { uuid, ...rest } = fields;
    this.task(
      type,
      typeof uuid === 'string' ? uuid : '',
      Object.entries(rest)
        .map(([name, value]) => field(name, value ?? null))
        .join(''),
    );
  }

  /** An event about this worker; sent at once, whether task events are asked for or not. */
  worker(type: `worker-${string}`, fields: JsonObject): void {
    if (this.#channel === undefined) return this.#revive();
    this.#publish(
      this.#event(
        type,
        Object.entries(fields)
          .map(([name, value]) => field(name, value ?? null))
          .join(''),
      ),
      type.replaceAll('-', '.'),
      [],
    );
  }

  #event(type: string, fields: string): string {
    return `${this.#start}${this.#options.lamport.forward()}${fields},"timestamp":${this.#options.clock.now() / 1000},"type":"${type}"}`;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    if (this.#channel === undefined) return this.#revive();
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#channel !== undefined && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      this.#publish(`[${batch.join(',')}]`, 'task.multi', batch);
    }
  }

  #publish(text: string, routingKey: string, batch: readonly string[]): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const send = async (): Promise<void> => {
      try {
        await channel.publish(await this.#message(text), this.#options.exchange, routingKey);
      } catch (error) {
        // The next channel takes them along; the connection itself has said why it went.
        this.#waiting = [...batch, ...this.#waiting].slice(-MAX_WAITING);
        this.#options.log.debug('events could not be sent', { error });
      }
    };
    this.#sending = Promise.all([this.#sending, send()]).then(() => undefined);
  }

  async #message(text: string): Promise<WireMessage> {
    const { hostname, serializer, serializers } = this.#options;
    const envelope = { headers: { hostname }, properties: { persistent: false } };
    if (serializer === 'json') return { ...envelope, body: { text }, contentType: 'application/json', contentEncoding: 'utf-8' };
    const { body, contentType, contentEncoding } = await serializers.encode(decodeJson(text), { serializer });
    return { ...envelope, body, contentType, contentEncoding };
  }
}

/** `,"name":value` */
export const field = (name: string, value: Json): string => `,"${name}":${typeof value === 'string' ? jsonString(value) : JSON.stringify(value)}`;

/** A JSON string; concatenated where nothing needs escaping, which is several times faster. */
export const jsonString = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
