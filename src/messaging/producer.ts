import { OperationalError } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { retry } from '../kernel/retry.ts';
import type { Channel } from '../transports/transport.ts';
import { bindToLadder, delayed, ensureLadder } from './delayed-delivery.ts';
import type { BrokerLink } from './link.ts';
import type { Declaration, OutgoingMessage } from './outgoing.ts';

export interface Producer {
  /** Resolves when the broker has the message. Rejects with OperationalError when the message's retry policy is used up. */
  publish(message: OutgoingMessage): Promise<void>;
  /** The same for many; resolves when the broker has all of them, rejects with the first failure. */
  publishAll(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Waits for what is being opened, declared or tried again, then lets go of the channel; the link stays. Who has published waits for its own promise. */
  close(): Promise<void>;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** Publishes through a link: declares what a message needs once per channel, and again after a reconnect. `retryErrors`: after which errors any message is tried again, beside OperationalError. */
export function createProducer(link: BrokerLink, clock: Clock, log: Logger, retryErrors: () => readonly ErrorClass[] = () => []): Producer {
  return new LinkProducer(link, clock, log, retryErrors);
}

/** Queues that one channel may have declared and be remembered for; beyond that all are forgotten and declared again. */
const MAX_REMEMBERED = 10_000;

class LinkProducer implements Producer {
  readonly #link: BrokerLink;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #retryErrors: () => readonly ErrorClass[];
  readonly #underWay = new Set<Promise<void>>();
  #channel: OpenChannel | undefined;
  #opening: Promise<OpenChannel> | undefined;
  #isClosed = false;
  #saidAt = -Infinity;

  constructor(link: BrokerLink, clock: Clock, log: Logger, retryErrors: () => readonly ErrorClass[]) {
    this.#retryErrors = retryErrors;
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  publish(message: OutgoingMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new OperationalError('this app is closed: nothing can be published any more'));
    const open = this.#channel;
    if (open === undefined || !open.knows(message.declare) || this.#climbs(message)) return this.#track(this.#withRetries(message));
    // A driver may give every call of a tick the same promise: what waits is put on it only where a failure may be tried again.
    const sent = open.channel.publish(message.message, message.exchange, message.routingKey, message.options);
    return sent.catch((error: unknown) => this.#track(this.#withRetries(message, error)));
  }

  async publishAll(messages: readonly OutgoingMessage[]): Promise<void> {
    const answers: Promise<void>[] = [];
    let batch: { readonly sent: Promise<void>; readonly messages: OutgoingMessage[] } | undefined;
    for (const message of messages) {
      const open = this.#channel;
      if (this.#isClosed || open === undefined || !open.knows(message.declare) || this.#climbs(message)) {
        answers.push(this.publish(message));
        continue;
      }
      const sent = open.channel.publish(message.message, message.exchange, message.routingKey, message.options);
      if (batch?.sent === sent) {
        batch.messages.push(message);
        continue;
      }
      // One promise for what the driver sends in one command; only after a failure each message has its own way again.
      const together = [message];
      batch = { sent, messages: together };
      answers.push(sent.catch((error: unknown) => this.#again(together, error)));
    }
    await Promise.all(answers);
  }

  async #again(messages: readonly OutgoingMessage[], failed: unknown): Promise<void> {
    await Promise.all(messages.map((message) => this.#track(this.#withRetries(message, failed))));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
    const channel = this.#channel;
    this.#channel = undefined;
    await channel?.channel[Symbol.asyncDispose]();
  }

  #track(promise: Promise<void>): Promise<void> {
    this.#underWay.add(promise);
    const forget = (): void => void this.#underWay.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  /** `failed` is the error of an attempt that was made already. */
  async #withRetries(message: OutgoingMessage, failed?: unknown): Promise<void> {
    const policy = message.retryPolicy ?? { maxRetries: 0, intervalStartMs: 0, intervalStepMs: 0, intervalMaxMs: 0 };
    let before = failed;
    const attempt = (): Promise<void> => {
      if (before === undefined) return this.#attempt(message);
      const error = before;
      before = undefined;
      return Promise.reject(error);
    };
    await retry(attempt, policy, {
      clock: this.#clock,
      isRetryable: (error) =>
        !this.#isClosed && [OperationalError, ...this.#retryErrors(), ...(policy.retryErrors ?? [])].some((type) => error instanceof type),
      onRetry: (error, count, waitMs) =>
        this.#sayOnce(
          `publishing failed, trying again ${waitMs === 0 ? 'at once' : `in ${Math.round(waitMs)} ms`} (${count + 1}/${policy.maxRetries ?? '∞'}): ${(error as Error).message}`,
        ),
    });
  }

  /** A thousand messages that fail for one reason are one line a second. */
  #sayOnce(text: string): void {
    const now = this.#clock.monotonic();
    if (now - this.#saidAt < 1000) return;
    this.#saidAt = now;
    this.#log.warn(text);
  }

  async #attempt(message: OutgoingMessage): Promise<void> {
    const open = this.#channel ?? (await this.#open());
    if (!open.knows(message.declare)) await open.declare(message.declare);
    const ready = this.#climbs(message) ? await open.delayed(message, this.#clock.now()) : message;
    await open.channel.publish(ready.message, ready.exchange, ready.routingKey, ready.options);
  }

  #climbs(message: OutgoingMessage): boolean {
    return message.delay !== undefined && this.#link.transport.capabilities.delayedDelivery === 'ladder';
  }

  #open(): Promise<OpenChannel> {
    this.#opening ??= this.#openChannel().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openChannel(): Promise<OpenChannel> {
    const connection = await this.#link.connection();
    const open = new OpenChannel(await connection.openChannel());
    this.#channel = open;
    void open.channel.closed.then(() => {
      if (this.#channel === open) this.#channel = undefined;
    });
    return open;
  }
}

/** A channel and what was declared on it. */
class OpenChannel {
  readonly channel: Channel;
  /** Declarations of this process are few objects, asked for again and again; those from children are new each time and known by name. */
  readonly #seen = new WeakSet<Declaration>();
  readonly #names = new Map<string, Promise<void>>();

  constructor(channel: Channel) {
    this.channel = channel;
  }

  knows(declaration: Declaration | undefined): boolean {
    return declaration === undefined || this.#seen.has(declaration);
  }

  async declare(declaration: Declaration | undefined): Promise<void> {
    if (declaration === undefined) return;
    await this.#once(JSON.stringify([declaration.queue?.name, declaration.exchange?.name]), () => this.#declare(declaration));
    this.#seen.add(declaration);
  }

  #once(name: string, declare: () => Promise<void>): Promise<void> {
    let declaring = this.#names.get(name);
    if (declaring === undefined) {
      if (this.#names.size >= MAX_REMEMBERED) this.#names.clear();
      declaring = declare();
      this.#names.set(name, declaring);
      declaring.catch(() => this.#names.delete(name));
    }
    return declaring;
  }

  /** The message on its way to the ladder, which is there by then, and leads on to where the message shall go. */
  async delayed(message: OutgoingMessage, nowMs: number): Promise<OutgoingMessage> {
    const climbing = delayed(message, nowMs);
    if (climbing === message) return message;
    await this.#once('ladder', () => ensureLadder(this.channel, message.delay!.queueType));
    const { declare } = message;
    if (declare !== undefined) await this.#once(`ladder to ${declare.queue?.name}`, () => bindToLadder(this.channel, declare).then(() => undefined));
    return climbing;
  }

  async #declare({ exchange, queue, bindings }: Declaration): Promise<void> {
    if (exchange !== undefined) await this.channel.declareExchange(exchange);
    if (queue !== undefined) await this.channel.declareQueue(queue);
    for (const binding of bindings) await this.channel.bind(binding);
  }
}
