import { PreconditionFailed } from '../../errors.ts';
import { topicPattern } from '../../kernel/topic-pattern.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Binding, ExchangeSpec, ExchangeType } from '../transport.ts';
import type { QueueStore } from './queue-store.ts';

/** Exchanges on a plain store: their types live in this process, as in kombu, their bindings in the store. An exchange that nobody declared here is a direct one. */
export class Exchanges {
  readonly #store: QueueStore;
  readonly #types: ReadonlySet<ExchangeType>;
  readonly #declared = new Map<string, ExchangeSpec>();
  /** Bindings made here, by queue: what a deleted queue must be taken out of, and what a consumer of a fanout hears. */
  readonly #bound = new Map<string, Binding[]>();

  constructor(store: QueueStore, types: ReadonlySet<ExchangeType>) {
    this.#store = store;
    this.#types = types;
  }

  /** Throws PreconditionFailed for a type that this transport has not, or another than before. */
  declare(exchange: ExchangeSpec): void {
    if (!this.#types.has(exchange.type)) {
      throw new PreconditionFailed(
        `exchange "${exchange.name}" is to be of type ${exchange.type}, but this transport knows only ${[...this.#types].join(', ')}`,
      );
    }
    const before = this.#declared.get(exchange.name);
    if (before !== undefined && before.type !== exchange.type) {
      throw new PreconditionFailed(`exchange "${exchange.name}" exists as ${before.type}; it cannot be declared as ${exchange.type}`);
    }
    this.#declared.set(exchange.name, exchange);
  }

  typeOf(exchange: string): ExchangeType {
    return this.#declared.get(exchange)?.type ?? 'direct';
  }

  async bind(binding: Binding): Promise<void> {
    // Every queue is bound to the default exchange by its name, and nothing else is.
    if (binding.exchange === '') return;
    await this.#store.bindings.add(binding, this.typeOf(binding.exchange));
    const others = this.#of(binding.queue).filter((other) => !isSameBinding(other, binding));
    this.#bound.set(binding.queue, [...others, binding]);
  }

  async unbind(binding: Binding): Promise<void> {
    await this.#store.bindings.remove(binding);
    this.#bound.set(
      binding.queue,
      this.#of(binding.queue).filter((other) => !isSameBinding(other, binding)),
    );
  }

  /** Takes every binding of a queue that was made here out of the store. */
  async forgetQueue(queue: string): Promise<void> {
    for (const binding of this.#of(queue)) await this.#store.bindings.remove(binding);
    this.#bound.delete(queue);
  }

  async deleteExchange(exchange: string): Promise<void> {
    for (const binding of await this.#store.bindings.of(exchange)) await this.unbind(binding);
    this.#declared.delete(exchange);
  }

  /** The queues, each once, that a message sent to this exchange goes to. Not for fanout, which has no queues. */
  async route(exchange: string, routingKey: string, headers: JsonObject): Promise<ReadonlySet<string>> {
    if (exchange === '') return new Set([routingKey]);
    const type = this.typeOf(exchange);
    const bindings = await this.#store.bindings.of(exchange);
    return new Set(bindings.filter((binding) => isMatch(type, binding, routingKey, headers)).map((binding) => binding.queue));
  }

  /** What a consumer of this queue subscribes to: the topics of its fanout bindings. */
  topicsOf(queue: string): readonly string[] {
    const fanouts = this.#of(queue).filter((binding) => this.typeOf(binding.exchange) === 'fanout');
    return [...new Set(fanouts.map((binding) => topicOf(binding.exchange, binding.routingKey.replaceAll('#', '*'))))];
  }

  /** Whether anything can be in the queue itself: not if all that is bound to it is broadcast. */
  isStored(queue: string): boolean {
    const bindings = this.#of(queue);
    return bindings.length === 0 || bindings.some((binding) => this.typeOf(binding.exchange) !== 'fanout');
  }

  #of(queue: string): readonly Binding[] {
    return this.#bound.get(queue) ?? [];
  }
}

/** kombu's name of a broadcast: the routing key is part of it unless it is empty. */
export const topicOf = (exchange: string, routingKey: string): string => (routingKey === '' ? exchange : `${exchange}/${routingKey}`);

/** A subscription's topic, `*` standing for any text, as an expression. For stores without patterns of their own. */
export function topicMatcher(topic: string): (name: string) => boolean {
  if (!topic.includes('*')) return (name) => name === topic;
  const words = topic.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  const pattern = new RegExp(`^${words.join('.*')}$`, 's');
  return (name) => pattern.test(name);
}

function isMatch(type: ExchangeType, binding: Binding, routingKey: string, headers: JsonObject): boolean {
  if (type === 'topic') return topicPattern(binding.routingKey).test(routingKey);
  return type === 'headers' ? isHeadersMatch(binding.arguments, headers) : binding.routingKey === routingKey;
}

/** AMQP's rule: `x-match` any or all (the default) of the other arguments that do not begin with `x-`. */
function isHeadersMatch(wanted: JsonObject, headers: JsonObject): boolean {
  const names = Object.keys(wanted).filter((name) => !name.startsWith('x-'));
  const has = (name: string): boolean => name in headers && (wanted[name] === null || JSON.stringify(headers[name]) === JSON.stringify(wanted[name]));
  return wanted['x-match'] === 'any' ? names.some(has) : names.every(has);
}

const isSameBinding = (a: Binding, b: Binding): boolean =>
  a.queue === b.queue && a.exchange === b.exchange && a.routingKey === b.routingKey && JSON.stringify(a.arguments) === JSON.stringify(b.arguments);
