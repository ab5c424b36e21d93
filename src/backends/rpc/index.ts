import { ImproperlyConfigured } from '../../errors.ts';
import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { BackendDriver, BackendOptions, BrokerRoad, ResultBackend, SaveOptions } from '../backend.ts';
import { pushWatch } from '../push-watch.ts';
import { ReplyQueue } from './reply-queue.ts';
import { Replier } from './replier.ts';

/** `rpc://`: results are sent back to whoever called, over the broker of the tasks (wire.md 4.7). Nobody else can read them, and nothing is stored. */
export const driver: BackendDriver = {
  name: 'rpc',
  open: (options) => Promise.resolve(new RpcBackend(options)),
};

class RpcBackend implements ResultBackend {
  readonly capabilities = { pushes: true, expires: true, durable: false, chords: 'none' } as const;
  readonly replyTo: string;
  readonly #road: BrokerRoad;
  readonly #replies: ReplyQueue;
  readonly #replier: Replier;

  constructor(options: BackendOptions) {
    if (options.broker === undefined) throw new ImproperlyConfigured('rpc:// sends results over the broker of an app, and there is none here');
    this.#road = options.broker;
    this.replyTo = options.broker.replyTo;
    this.#replies = new ReplyQueue(options, options.broker);
    this.#replier = new Replier(options, options.broker);
  }

  listening(): Promise<void> | undefined {
    return this.#replies.listening();
  }

  /** Nobody waits for a result whose message names no address. */
  save(meta: ResultMeta, options: SaveOptions = {}): Promise<void> {
    return options.replyTo === undefined || options.replyTo === '' ? Promise.resolve() : this.#replier.send(meta, options.replyTo);
  }

  async load(taskId: string): Promise<ResultMeta | undefined> {
    await this.#replies.listening();
    return this.#replies.last(taskId);
  }

  forget(taskIds: readonly string[]): Promise<void> {
    for (const id of taskIds) this.#replies.forget(id);
    return Promise.resolve();
  }

  async *watch(taskIds: readonly string[], options: Parameters<ResultBackend['watch']>[1]): AsyncGenerator<ResultMeta, void, void> {
    await this.#replies.listening();
    yield* pushWatch(this.#replies, taskIds, options);
  }

  async saveGroup(): Promise<void> {
    refuse('save a group');
  }

  async loadGroup(): Promise<Json | undefined> {
    return refuse('load a group');
  }

  async forgetGroup(): Promise<void> {
    refuse('forget a group');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#replier.close();
    await this.#replies.close();
    await this.#road[Symbol.asyncDispose]();
  }
}

const refuse = (what: string): never => {
  throw new ImproperlyConfigured(
    `cannot ${what}: rpc:// stores nothing, it only sends each result to its caller. Use a result backend that stores, such as "redis://127.0.0.1:6379/1"`,
  );
};
