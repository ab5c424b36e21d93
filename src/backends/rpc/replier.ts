import { BackendStoreError, PreconditionFailed } from '../../errors.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { Channel } from '../../transports/transport.ts';
import type { BackendOptions, BrokerRoad } from '../backend.ts';

/** The worker's half: sends metas to the queues of those who called. */
export class Replier {
  readonly #options: BackendOptions;
  readonly #road: BrokerRoad;
  #channel: Channel | undefined;
  #opening: Promise<Channel> | undefined;

  constructor(options: BackendOptions, road: BrokerRoad) {
    this.#options = options;
    this.#road = road;
  }

  /** Resolves when the broker has it, also where the caller and its queue are gone. Rejects with OperationalError while the broker is away, with BackendStoreError where it refuses this one. */
  send(meta: ResultMeta, replyTo: string): Promise<void> {
    const { codec, settings } = this.#options;
    const encoded = codec.encode(meta);
    const message = {
      body: typeof encoded === 'string' ? { text: encoded } : encoded,
      contentType: codec.contentType,
      contentEncoding: codec.contentEncoding,
      headers: {},
      properties: { correlationId: meta.task_id, persistent: settings.resultPersistent === true },
    };
    const channel = this.#channel;
    const sent = channel === undefined ? this.#open().then((opened) => opened.publish(message, '', replyTo)) : channel.publish(message, '', replyTo);
    return sent.catch((error: unknown) => {
      throw error instanceof PreconditionFailed ? refusal(meta.task_id, error) : error;
    });
  }

  async close(): Promise<void> {
    // A channel that could not be opened has told whoever wanted to answer through it; there is nothing to close.
    const channel = this.#channel ?? (await this.#opening?.catch(() => undefined));
    this.#channel = undefined;
    await channel?.[Symbol.asyncDispose]();
  }

  #open(): Promise<Channel> {
    this.#opening ??= this.#road
      .openChannel()
      .then((channel) => {
        this.#channel = channel;
        void channel.closed.then(() => {
          if (this.#channel === channel) this.#channel = undefined;
        });
        return channel;
      })
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }
}

const refusal = (taskId: string, cause: PreconditionFailed): BackendStoreError =>
  new BackendStoreError(`the broker refuses the result of task ${taskId}: ${cause.message}`, { cause, taskId });
