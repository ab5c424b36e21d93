import type { Settings } from '../config/settings/index.ts';
import { QueueNotFound } from '../errors.ts';
import { type Broadcast, declarationOf, Exchange, exchangeSpec, Queue, type QueueOptions } from '../messaging/entities.ts';
import { FOOT } from '../messaging/delayed-delivery.ts';
import type { Declaration } from '../messaging/outgoing.ts';
import type { QueueTable } from './core.ts';

/** The queues that an app knows. One object a queue, and one declaration: producers remember what they have declared by it. */
export class Queues implements QueueTable {
  readonly #settings: Readonly<Settings>;
  readonly #known = new Map<string, Queue | Broadcast>();
  readonly #declarations = new Map<string, Declaration>();
  readonly #publishing = new Map<string, Declaration>();
  #consumeFrom: readonly string[];
  #hasQuorum: boolean | undefined;

  constructor(settings: Readonly<Settings>) {
    this.#settings = settings;
    const given = entries(settings.taskQueues);
    for (const queue of given) this.add(queue);
    if (!this.#known.has(this.defaultName)) this.add(this.#defaultQueue());
    this.#consumeFrom = given.length === 0 ? [this.defaultName] : given.map((queue) => queue.name);
  }

  get defaultName(): string {
    return this.#settings.taskDefaultQueue;
  }

  get hasQuorum(): boolean {
    return (this.#hasQuorum ??= [...this.#known.values()].some((queue) => queue instanceof Queue && isQuorum(queue)));
  }

  /** Of an exchange to which a queue that is known is bound. */
  exchangeType(name: string | undefined): string | undefined {
    // A retry of what came out of the ladder goes where that came from.
    if (name === FOOT) return 'topic';
    return name === undefined ? undefined : [...this.#known.values()].find((queue) => queue.exchange.name === name)?.exchange.type;
  }

  get consumeFrom(): readonly string[] {
    return this.#consumeFrom;
  }

  add(queue: Queue | Broadcast): void {
    this.#hasQuorum = undefined;
    this.#known.set(queue.name, queue);
    const alias = queue instanceof Queue ? queue.options.alias : undefined;
    if (alias !== undefined) this.#known.set(alias, queue);
    this.#declarations.delete(queue.name);
    this.#publishing.delete(queue.name);
  }

  /** The queue of that name, made now if missing ones are. Throws QueueNotFound. */
  get(name: string): Queue | Broadcast {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    if (!this.#settings.taskCreateMissingQueues) {
      throw new QueueNotFound(
        `there is no queue ${JSON.stringify(name)} in taskQueues (known: ${[...this.#known.keys()].join(', ')}), and taskCreateMissingQueues is off`,
      );
    }
    const made = this.#missingQueue(name);
    this.#known.set(name, made);
    this.#hasQuorum = undefined;
    return made;
  }

  declaration(name: string): Declaration {
    let declaration = this.#declarations.get(name);
    if (declaration === undefined) {
      declaration = declarationOf(this.get(name));
      this.#declarations.set(name, declaration);
    }
    return declaration;
  }

  /** What a producer declares: of a broadcast queue the exchange alone, since the copies are the workers'. */
  publishingDeclaration(name: string): Declaration {
    const queue = this.get(name);
    if (queue instanceof Queue) return this.declaration(name);
    let declaration = this.#publishing.get(name);
    if (declaration === undefined) {
      declaration = { exchange: exchangeSpec(queue.exchange), bindings: [] };
      this.#publishing.set(name, declaration);
    }
    return declaration;
  }

  select(names: readonly string[]): void {
    for (const name of names) this.get(name);
    this.#consumeFrom = names;
  }

  deselect(names: readonly string[]): void {
    this.#consumeFrom = this.#consumeFrom.filter((name) => !names.includes(name));
  }

  #defaultQueue(): Queue {
    const { taskDefaultQueue: name, taskDefaultExchange, taskDefaultExchangeType, taskDefaultRoutingKey, taskDefaultQueueType } = this.#settings;
    const exchange = new Exchange(taskDefaultExchange ?? name, { type: taskDefaultExchangeType });
    return new Queue(name, { exchange, routingKey: taskDefaultRoutingKey ?? name, ...this.#common(taskDefaultQueueType) });
  }

  #missingQueue(name: string): Queue {
    const type = this.#settings.taskCreateMissingQueueExchangeType ?? 'direct';
    return new Queue(name, { exchange: new Exchange(name, { type }), ...this.#common(this.#settings.taskCreateMissingQueueType) });
  }

  #common(type: 'classic' | 'quorum'): QueueOptions {
    const { taskQueueMaxPriority } = this.#settings;
    return { ...(type === 'quorum' ? { type } : {}), ...(taskQueueMaxPriority === null ? {} : { maxPriority: taskQueueMaxPriority }) };
  }
}

const isQuorum = ({ options }: Queue): boolean => options.type === 'quorum' || options.queueArguments?.['x-queue-type'] === 'quorum';

function entries(queues: Settings['taskQueues']): readonly (Queue | Broadcast)[] {
  if (queues === null || queues === undefined) return [];
  if (Array.isArray(queues)) return (queues as readonly (Queue | Broadcast | string)[]).map((queue) => (typeof queue === 'string' ? new Queue(queue) : queue));
  return Object.entries(queues as Readonly<Record<string, QueueOptions>>).map(([name, options]) => new Queue(name, options));
}
