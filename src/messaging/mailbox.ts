import { Script } from 'node:vm';
import { OperationalError } from '../errors.ts';
import type { Clock } from '../kernel/clock.ts';
import type { LamportClock } from '../kernel/lamport-clock.ts';
import type { Logger } from '../kernel/logger.ts';
import { pythonRepr } from '../kernel/repr.ts';
import type { JsonObject, Value, ValueMap } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import type { SerializerRegistry } from '../serialization/registry.ts';
import type { Channel, Delivery, ExchangeSpec, QueueInfo, QueueSpec } from '../transports/transport.ts';
import { Consumer } from './consumer.ts';
import type { BrokerLink } from './link.ts';
import type { Declaration } from './outgoing.ts';

/** What both ends of kombu's pidbox must agree on; from the settings. */
export interface MailboxNames {
  /** `controlExchange`; default `celery`. */
  readonly exchange: string;
  readonly queueExpiresMs: number;
  readonly queueTtlMs: number;
  readonly durable: boolean;
  readonly exclusive: boolean;
}

/** A remote command as it came, and who wants an answer. */
export interface MailboxRequest {
  readonly method: string;
  readonly args: ValueMap;
}

export interface MailboxOptions {
  readonly link: BrokerLink;
  /** For answers. Default: the same link, and its channel. */
  readonly replyLink?: BrokerLink | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lamport: LamportClock;
  readonly serializers: SerializerRegistry;
  /** `acceptContent` and `brokerMaxMessageBytes`. */
  readonly accept: readonly string[];
  readonly maxBytes: number;
  /** `taskSerializer`: what replies are written in. */
  readonly serializer: string;
  readonly names: MailboxNames;
  readonly hostname: string;
  /** Undefined: say nothing. What it throws is the reply `{error: …}`. */
  readonly handle: (request: MailboxRequest) => Value | undefined | Promise<Value | undefined>;
}

/** A worker's inbox for remote commands (wire.md 6): hears what is said to all, or to it, and answers whoever wants an answer. */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #consumer: Consumer;
  #hasDeclared = false;
  /** For answers, where they do not go by the consumer's. */
  #ownChannel: Promise<Channel> | undefined;

  constructor(options: MailboxOptions) {
    this.#options = options;
    const { clock, link, log } = options;
    this.#consumer = new Consumer({
      ...{ clock, link, log, noAck: true },
      onDeclared: (queue) => this.#warnOfNamesake(queue),
      onDelivery: (delivery) => void this.#hear(delivery),
    });
  }

  async start(): Promise<void> {
    const { names, hostname } = this.#options;
    const queue = `${hostname}.${names.exchange}.pidbox`;
    await this.#consumer.add(queue, inboxDeclaration(names, queue));
    await this.#consumer.start();
  }

  async stop(): Promise<void> {
    await this.#consumer.stop();
    // It may hang where the consumer's does not: nothing is to wait for it.
    this.#ownChannel?.then((channel) => channel[Symbol.asyncDispose]()).catch(() => undefined);
  }

  /** Where inboxes are not exclusive (`controlQueueExclusive`), the broker lets two workers of one name listen to the same. Said once: after a lost connection the other may be ourselves. */
  #warnOfNamesake({ name, consumers }: QueueInfo): void {
    const isFirst = !this.#hasDeclared;
    this.#hasDeclared = true;
    if (!isFirst || consumers === 0) return;
    this.#options.log.warn(
      `another node named ${this.#options.hostname} uses the inbox ${name} already: each remote command reaches only one of the two. Is it still running, or did it end without a goodbye? Give each node a name of its own with -n`,
    );
  }

  /** Never throws: whatever one command does, the next must be heard. */
  async #hear(delivery: Delivery): Promise<void> {
    const { lamport, log } = this.#options;
    try {
      const { clock } = delivery.message.headers;
      if (typeof clock === 'number') lamport.adjust(clock);
      const envelope = await this.#read(delivery.message);
      if (!isForNode(envelope, this.#options.hostname)) return;
      const reply = await this.#answer(envelope);
      const to = envelope.reply_to as { readonly exchange?: Value; readonly routing_key?: Value } | null | undefined;
      if (reply === undefined || typeof to?.exchange !== 'string' || typeof to.routing_key !== 'string') return;
      await this.#reply(to.exchange, to.routing_key, String(envelope.ticket ?? ''), reply).catch((error: unknown) => {
        if (!(error instanceof OperationalError)) throw error;
        // Of a lost connection the link has told; whoever asked asks again.
        log.debug('the answer to a remote command could not be sent', { error });
      });
    } catch (error) {
      log.error('a remote command could not be read or answered', { error });
    }
  }

  async #read(message: WireMessage): Promise<ValueMap> {
    const { accept, maxBytes, serializers } = this.#options;
    const value = await serializers.decode(message, { accept, maxBytes });
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('a remote command must be a map with a method');
    return value as ValueMap;
  }

  async #answer(envelope: ValueMap): Promise<Value | undefined> {
    const method = String(envelope.method);
    try {
      return await this.#options.handle({ method, args: (envelope.arguments ?? {}) as ValueMap });
    } catch (error) {
      this.#options.log.error(`the remote command ${method} failed`, { error });
      return {
        error:
          error instanceof UnknownCommand
            ? `KeyError(${pythonRepr(method)})`
            : `${error instanceof Error ? error.name : 'Exception'}(${pythonRepr(error instanceof Error ? error.message : String(error))})`,
      };
    }
  }

  async #replyChannel(): Promise<Channel | undefined> {
    const { link, replyLink = link } = this.#options;
    if (replyLink === link) return this.#consumer.channel;
    this.#ownChannel ??= replyLink.connection().then((connection) => connection.openChannel());
    const opening = this.#ownChannel;
    const forget = (): void => {
      if (this.#ownChannel === opening) this.#ownChannel = undefined;
    };
    opening.then((channel) => channel.closed.then(forget), forget);
    return opening;
  }

  async #reply(exchange: string, routingKey: string, ticket: string, reply: Value): Promise<void> {
    const { hostname, lamport, serializers, serializer } = this.#options;
    const { body, contentType, contentEncoding } = await serializers.encode({ [hostname]: reply }, { serializer });
    const headers = { ticket, clock: lamport.forward() };
    const channel = await this.#replyChannel();
    // The channel is gone while the broker is: then nobody waits any more.
    await channel?.publish({ body, contentType, contentEncoding, headers, properties: { persistent: false } }, exchange, routingKey);
  }
}

/** The worker has no such command. */
export class UnknownCommand extends Error {}

/** Where commands are announced: to everybody who listens. */
export const commandExchange = (names: MailboxNames): ExchangeSpec => exchange(`${names.exchange}.pidbox`, 'fanout');
export const replyExchange = (names: MailboxNames): ExchangeSpec => exchange(`reply.${names.exchange}.pidbox`, 'direct');

export function inboxDeclaration(names: MailboxNames, queue: string): Declaration {
  const spec = commandExchange(names);
  return { exchange: spec, queue: queueSpec(names, queue), bindings: [{ queue, exchange: spec.name, routingKey: '', arguments: {} }] };
}

/** The caller's own queue for replies; `id` is one for the life of the caller. */
export function replyDeclaration(names: MailboxNames, id: string): Declaration & { readonly queue: QueueSpec } {
  const spec = replyExchange(names);
  const queue = `${id}.${spec.name}`;
  return { exchange: spec, queue: queueSpec(names, queue), bindings: [{ queue, exchange: spec.name, routingKey: id, arguments: {} }] };
}

/** `destination` wins over a pattern; a pattern needs its matcher; none means everyone. */
export function isForNode(
  envelope: { readonly destination?: Value | undefined; readonly pattern?: Value | undefined; readonly matcher?: Value | undefined },
  hostname: string,
): boolean {
  const { destination, pattern, matcher } = envelope;
  if (Array.isArray(destination)) return (destination as readonly Value[]).includes(hostname);
  if (typeof destination === 'string') return destination === hostname;
  if (typeof pattern !== 'string' || typeof matcher !== 'string') return true;
  try {
    return isMatch(matcher === 'pcre' ? new RegExp(pattern) : globPattern(pattern), hostname);
  } catch {
    // An expression that is none, or never comes to an end, names nobody.
    return false;
  }
}

/** For a pattern to be tried; an honest one takes microseconds. */
const MATCH_MS = 50;
const TRY = new Script('expression.test(hostname)');

/** A peer's pattern may backtrack for years: it is given a time, and throws where that is over. */
const isMatch = (expression: RegExp, hostname: string): boolean => TRY.runInNewContext({ expression, hostname }, { timeout: MATCH_MS }) as boolean;

/** Python's fnmatch: `*`, `?`, `[seq]`, `[!seq]`. */
function globPattern(glob: string): RegExp {
  const text = glob.replaceAll(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/, String.raw`\$&`);
  });
  return new RegExp(`^${text}$`, 's');
}

const exchange = (name: string, type: 'fanout' | 'direct'): ExchangeSpec => ({ name, type, durable: false, autoDelete: false, arguments: {} });

function queueSpec(names: MailboxNames, name: string): QueueSpec {
  const args: JsonObject = { 'x-expires': names.queueExpiresMs, 'x-message-ttl': names.queueTtlMs };
  return { name, durable: names.durable, exclusive: names.exclusive, autoDelete: !names.durable, arguments: args };
}
