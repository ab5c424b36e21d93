import type { ResultBackend } from '../backends/backend.ts';
import type { BrokerLink } from '../messaging/link.ts';
import { createProducer, type Producer } from '../messaging/producer.ts';
import type { Core } from './app-core.ts';

/** What an app opens for itself, each when first asked for. What could not be opened is tried again by the next who needs it. */
export class OwnConnections {
  readonly #core: Core;
  #link: Promise<BrokerLink> | undefined;
  #producer: Promise<Producer> | undefined;
  #backend: Promise<ResultBackend> | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** The road to the broker that the producer uses. */
  link(): Promise<BrokerLink> {
    return (this.#link ??= this.#core.openLink('publish', { maxRetries: 0 }));
  }

  producer(): Promise<Producer> {
    const core = this.#core;
    this.#producer ??= once(
      this.link().then((link) => createProducer(link, core.clock, core.forwardedLog, () => core.settings.taskPublishRetryPolicy.retryErrors ?? [])),
      () => {
        this.#producer = undefined;
        this.#link = undefined;
      },
    );
    return this.#producer;
  }

  backend(): Promise<ResultBackend> {
    const core = this.#core;
    this.#backend ??= once(
      core.ready().then(() => core.openBackend(core.settings.resultBackend ?? 'disabled://')),
      () => {
        this.#backend = undefined;
      },
    );
    return this.#backend;
  }

  async close(): Promise<void> {
    const [producer, link, backend] = [this.#producer, this.#link, this.#backend];
    // What could not be opened, or is broken already, has told whoever called through it; nobody who closes can do anything about it.
    await producer?.then((open) => open.close()).catch(() => undefined);
    await link?.then((open) => open.close()).catch(() => undefined);
    await backend?.then((open) => open[Symbol.asyncDispose]()).catch(() => undefined);
  }
}

function once<T>(opening: Promise<T>, forget: () => void): Promise<T> {
  opening.catch(forget);
  return opening;
}
