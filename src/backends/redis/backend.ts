import { redisAddress } from '../../clients/redis-address.ts';
import { openRedis, redisArgument, type RedisConnection } from '../../clients/redis.ts';
import { Healing } from '../../clients/redis-healing.ts';
import { RedisSubscriber } from '../../clients/redis-subscriber.ts';
import { durationMs } from '../../kernel/duration.ts';
import { maskUrl } from '../../kernel/broker-url.ts';
import type { Json } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import type { BackendCapabilities, BackendOptions, ResultBackend, SaveOptions } from '../backend.ts';
import { RedisChords } from './chords.ts';
import { ResultKeys } from './keys.ts';
import { Saves } from './saves.ts';
import { ResultWatch, type Subscription, type WatchListener } from './watch.ts';

/** How long a question waits for a store that is away; Celery's 20 tries, one a second. */
const PATIENCE_MS = 20_000;
const CLOSING_MS = 5000;
const BATCH = 500;

/** The connection that listens for results, and who is to hear of its loss. */
class ResultsFeed {
  readonly subscriber: RedisSubscriber;
  readonly listeners = new Set<WatchListener>();

  constructor(subscriber: RedisSubscriber) {
    this.subscriber = subscriber;
    void subscriber.connection.closed.then(() => {
      for (const listener of this.listeners) listener.lost();
    });
  }

  get isClosed(): boolean {
    return this.subscriber.connection.isClosed;
  }

  get closed(): RedisConnection['closed'] {
    return this.subscriber.connection.closed;
  }

  close(): Promise<void> {
    return this.subscriber.connection.close();
  }
}

/** Results in Redis as Celery keeps them (wire.md 4.3). Connects when first asked; a lost connection is its own affair. */
export class RedisBackend implements ResultBackend {
  readonly capabilities: BackendCapabilities = { pushes: true, expires: true, durable: true, chords: 'store' };
  readonly chords: RedisChords;
  readonly #options: BackendOptions;
  readonly #keys: ResultKeys;
  readonly #link: Healing<RedisConnection>;
  readonly #feed: Healing<ResultsFeed>;
  readonly #saves: Saves;

  constructor(options: BackendOptions) {
    const { url, clock, log, settings, transportOptions } = options;
    const address = redisAddress(withLegacySettings(url, settings), { transportOptions, tls: options.tls ?? settings.redisBackendUseSsl ?? undefined });
    const open = (role: string, signal: AbortSignal, asksWhileSubscribed = false): Promise<RedisConnection> =>
      openRedis(address, {
        name: settings.redisClientName ?? `celeriac/${process.pid}/${role}`,
        timeoutMs: durationMs(settings.redisSocketConnectTimeout) ?? 10_000,
        clock,
        signal,
        socketTimeoutMs: durationMs(settings.redisSocketTimeout) ?? 120_000,
        keepAlive: settings.redisSocketKeepalive,
        holdsProcess: false,
        asksWhileSubscribed,
      });
    const name = `result store ${maskUrl(url)}`;
    this.#options = options;
    this.#keys = new ResultKeys(transportOptions['global_keyprefix']);
    this.#link = new Healing({ open: (signal) => open('results', signal), clock, log, name });
    this.#feed = new Healing({
      open: async (signal) => new ResultsFeed(await RedisSubscriber.open(await open('results-pubsub', signal, true), clock)),
      clock,
      log,
      name,
    });
    this.#saves = new Saves(this.#link, options.codec);
    this.chords = new RedisChords({
      keys: this.#keys,
      clock,
      codec: options.codec,
      perform: (action) => this.#perform(action),
      expiresMs: options.chordExpiresMs,
      resultExpiresMs: options.expiresMs,
      joinTimeoutMs: options.chordJoinTimeoutMs,
      isOrdered: transportOptions['result_chord_ordered'] !== false,
    });
  }

  save(meta: ResultMeta, options?: SaveOptions): Promise<void> {
    const { codec, expiresMs, failureExpiresMs } = this.#options;
    const lifeMs = (meta.status === 'FAILURE' ? failureExpiresMs : expiresMs) ?? 0;
    return this.#saves.save({
      taskId: meta.task_id,
      key: this.#keys.task(meta.task_id),
      meta: redisArgument(codec.encode(meta)),
      state: meta.status,
      lifeMs: Math.ceil(lifeMs),
      over: options?.over,
    });
  }

  async load(taskId: string): Promise<ResultMeta | undefined> {
    const [meta] = await this.#loadMany([taskId]);
    return meta;
  }

  async forget(taskIds: readonly string[]): Promise<void> {
    for (let i = 0; i < taskIds.length; i += BATCH) {
      const keys = taskIds.slice(i, i + BATCH).map((id) => this.#keys.task(id));
      await this.#perform((connection) => connection.call('DEL', ...keys));
    }
  }

  watch(taskIds: readonly string[], options: { readonly states: 'final' | 'all'; readonly signal: AbortSignal }): AsyncIterable<ResultMeta> {
    return new ResultWatch(taskIds, {
      ...options,
      subscribe: (ids, listener, signal) => this.#subscribe(ids, listener, signal),
      load: (ids) => this.#loadMany(ids, options.signal),
    });
  }

  async saveGroup(groupId: string, tree: Json): Promise<void> {
    const { expiresMs } = this.#options;
    const text = redisArgument(this.#options.codec.encodeValue({ result: tree }));
    const key = this.#keys.group(groupId);
    await this.#perform((connection) =>
      expiresMs === null ? connection.call('SET', key, text) : connection.call('SET', key, text, 'PX', Math.ceil(expiresMs)),
    );
  }

  async loadGroup(groupId: string): Promise<Json | undefined> {
    const stored = await this.#perform(async (connection) => (await connection.callBytes('GET', this.#keys.group(groupId))) as Buffer | null);
    return stored === null ? undefined : (this.#options.codec.decodeValue(stored) as { readonly result?: Json }).result;
  }

  async forgetGroup(groupId: string): Promise<void> {
    await this.#perform((connection) => connection.call('DEL', this.#keys.group(groupId)));
  }

  /** Results that are still to be written get a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    const late = new AbortController();
    await Promise.race([this.#saves.flush(), this.#options.clock.sleep(CLOSING_MS, late.signal).catch(() => undefined)]);
    late.abort();
    this.#saves.abandon();
    await Promise.all([this.#link[Symbol.asyncDispose](), this.#feed[Symbol.asyncDispose]()]);
  }

  async #loadMany(taskIds: readonly string[], signal?: AbortSignal): Promise<readonly ResultMeta[]> {
    const metas: ResultMeta[] = [];
    for (let i = 0; i < taskIds.length && signal?.aborted !== true; i += BATCH) {
      metas.push(...(await this.#perform((connection) => this.#stored(taskIds.slice(i, i + BATCH), connection), signal)));
    }
    return metas;
  }

  async #stored(taskIds: readonly string[], connection: RedisConnection): Promise<readonly ResultMeta[]> {
    const stored = (await connection.callBytes('MGET', ...taskIds.map((id) => this.#keys.task(id)))) as (Buffer | null)[];
    return stored.flatMap((bytes) => (bytes === null ? [] : [this.#decode(bytes)]));
  }

  #decode(bytes: Buffer): ResultMeta {
    const { codec } = this.#options;
    // A compressed meta is recognised by the zero that it begins with.
    return codec.decode(codec.isPlainJson && bytes[0] !== 0 ? bytes.toString() : bytes);
  }

  async #subscribe(taskIds: readonly string[], listener: WatchListener, signal: AbortSignal): Promise<Subscription> {
    for (;;) {
      const feed = this.#feed.current ?? (await this.#feed.get(signal));
      const { connection } = feed.subscriber;
      const listening = feed.subscriber.listen(
        taskIds.map((id) => this.#keys.task(id)),
        (bytes) => listener.hear(() => this.#decode(bytes)),
      );
      // It is answered after the subscription, so nothing falls in between. Many are asked for in pieces, one after the other, on the other connection.
      const stored = connection.asksWhileSubscribed && taskIds.length <= BATCH ? this.#stored(taskIds, connection) : undefined;
      // Looked at by whoever listens; if nobody comes to that, its failure is the subscription's as well.
      stored?.catch(() => undefined);
      try {
        await listening.subscribed;
      } catch (error) {
        listening[Symbol.dispose]();
        // Lost while it was being asked: the next one is asked.
        if (feed.isClosed) continue;
        throw error;
      }
      if (feed.isClosed) {
        listening[Symbol.dispose]();
        continue;
      }
      feed.listeners.add(listener);
      return {
        stored,
        get isLost() {
          return feed.isClosed;
        },
        [Symbol.dispose]() {
          feed.listeners.delete(listener);
          listening[Symbol.dispose]();
        },
      };
    }
  }

  /** On a living connection; once more on another when it was lost meanwhile. For what may be done twice. */
  async #perform<T>(action: (connection: RedisConnection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { current } = this.#link;
    if (current !== undefined) {
      try {
        return await action(current);
      } catch (error) {
        if (!current.isClosed || this.#link.isEnded || signal?.aborted === true) throw error;
      }
    }
    // A timer and signals cost more than most questions: only who has to wait for a connection needs them.
    const patience = new AbortController();
    using _deadline = this.#options.clock.schedule(PATIENCE_MS, () => patience.abort());
    const ends = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]);
    for (;;) {
      const connection = await this.#link.get(ends);
      try {
        return await action(connection);
      } catch (error) {
        if (!connection.isClosed || this.#link.isEnded || ends.aborted) throw error;
      }
    }
  }
}

/** Celery reads `redis_host` and its like where the URL is only a transport's name. */
function withLegacySettings(url: URL, settings: BackendOptions['settings']): URL {
  if (url.hostname !== '' || url.protocol === 'redis+socket:') return url;
  const whole = new URL(url.href.replace(/^(\w+):\/*/, '$1://localhost/'));
  if (settings.redisHost) whole.hostname = settings.redisHost;
  if (settings.redisPort) whole.port = String(settings.redisPort);
  if (settings.redisDb) whole.pathname = `/${settings.redisDb}`;
  if (settings.redisUsername) whole.username = settings.redisUsername;
  if (settings.redisPassword) whole.password = settings.redisPassword;
  return whole;
}
