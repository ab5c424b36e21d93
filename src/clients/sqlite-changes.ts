import type { Clock } from '../kernel/clock.ts';
import { deferred } from '../kernel/deferred.ts';
import type { Logger } from '../kernel/logger.ts';
import { Bell } from './sqlite-bell.ts';

/** What somebody may wait for. */
export type Topic = 'messages' | 'results' | 'broadcast' | 'bindings';
const TOPICS: readonly Topic[] = ['messages', 'results', 'broadcast', 'bindings'];

/** The look for changes that the bell did not tell of. */
const POLL_MS = 250;

export interface ChangesOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A number that is another one after each commit of another connection; undefined when it cannot be read. */
  dataVersion(): number | undefined;
  /** Asked at each poll: something that needs to be looked at now and then. */
  onPoll(): void;
}

/** Tells those who wait that something was written: here, or by another process (then nobody knows what, and all are told). */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #bell: Bell;
  readonly #counts: Record<Topic, number> = { messages: 0, results: 0, broadcast: 0, bindings: 0 };
  readonly #listeners = new Map<() => void, Topic>();
  #poll: Disposable | undefined;
  #dataVersion: number | undefined;
  /** The bell has rung while nobody listened. */
  #hasRung = false;
  #isClosed = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#bell = new Bell(`${options.path}-bell`, options.log);
    this.#dataVersion = options.dataVersion();
  }

  /** Grows when something of this kind was written, or when another process wrote anything. */
  of(topic: Topic): number {
    return this.#counts[topic];
  }

  /** Calls back when `of(topic)` has grown. */
  listen(topic: Topic, onChange: () => void): Disposable {
    // What was written before the bell was heard is found here.
    if (!this.#isClosed && (this.#bell.listen(() => this.#rung()) || this.#hasRung)) this.#look();
    const listener = (): void => onChange();
    this.#listeners.set(listener, topic);
    this.#armPoll();
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size === 0) this.#disarmPoll();
      },
    };
  }

  /** Resolves when `of(topic)` is or becomes another than `since`, when `ms` have passed, on abort, and when this is closed. */
  async wait(topic: Topic, options: { readonly since: number; readonly ms: number; readonly signal: AbortSignal }): Promise<void> {
    const { since, ms, signal } = options;
    const woken = deferred();
    using _listener = this.listen(topic, woken.resolve);
    if (this.#isClosed || this.#counts[topic] !== since || signal.aborted || ms <= 0) return;
    using _timer = this.#options.clock.schedule(ms, woken.resolve);
    const onAbort = (): void => woken.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await woken.promise;
    signal.removeEventListener('abort', onAbort);
  }

  /** These were committed: tells this process, and wakes the others. */
  announce(topics: ReadonlySet<Topic>): void {
    if (topics.size === 0) return;
    this.#bell.ring();
    this.wake(topics);
  }

  /** Lets those that wait here look again. */
  wake(topics: Iterable<Topic>): void {
    const woken = new Set(topics);
    for (const topic of woken) this.#counts[topic] += 1;
    for (const [listener, topic] of this.#listeners) if (woken.has(topic)) listener();
  }

  /** Wakes everybody for the last time. */
  close(): void {
    this.#isClosed = true;
    this.#bell.close();
    this.#disarmPoll();
    this.wake(TOPICS);
  }

  #rung(): void {
    if (this.#listeners.size > 0) this.#look();
    else this.#hasRung = true;
  }

  /** Has another connection committed anything since the last look? */
  #look(): void {
    this.#hasRung = false;
    const version = this.#options.dataVersion();
    if (version === undefined || version === this.#dataVersion) return;
    this.#dataVersion = version;
    this.wake(TOPICS);
  }

  #armPoll(): void {
    if (this.#isClosed) return;
    this.#poll ??= this.#options.clock.schedule(POLL_MS, () => {
      this.#poll = undefined;
      this.#armPoll();
      this.#look();
      this.#options.onPoll();
    });
  }

  #disarmPoll(): void {
    this.#poll?.[Symbol.dispose]();
    this.#poll = undefined;
  }
}
