import type { TlsOptions } from '../clients/tls.ts';
import type { Settings } from '../config/settings/index.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Encoded, Json, JsonObject } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskState } from '../protocol/states.ts';
import type { MetaCodec } from '../serialization/meta-codec.ts';
import type { Channel } from '../transports/transport.ts';

/** A kind of result store; loaded by URL scheme. */
export interface BackendDriver {
  readonly name: string;
  open(options: BackendOptions): Promise<ResultBackend>;
}

export interface BackendOptions {
  readonly url: URL;
  readonly clock: Clock;
  readonly log: Logger;
  /** How metas become text or bytes: `resultSerializer`, `resultCompression`, `resultAcceptContent`. */
  readonly codec: MetaCodec;
  /** `resultExpires`; null: never. */
  readonly expiresMs: number | null;
  /** `resultFailureExpires`, already falling back to `resultExpires`. */
  readonly failureExpiresMs: number | null;
  /** `resultChordExpires`, already falling back to `resultExpires`. */
  readonly chordExpiresMs: number | null;
  readonly chordJoinTimeoutMs: number;
  readonly transportOptions: JsonObject;
  readonly tls?: boolean | TlsOptions | undefined;
  /** For stores that send results instead: the app's own way to its broker. */
  readonly broker?: BrokerRoad | undefined;
  /** Whatever else a driver reads of the settings (`redisSocketTimeout`, …). */
  readonly settings: Readonly<Settings>;
}

/** A way to the broker that heals itself. Disposing of it lets go of its connection. */
export interface BrokerRoad extends AsyncDisposable {
  /** One id for the life of the app: the name of the queue in which its answers arrive. */
  readonly replyTo: string;
  /** A new channel, on the connection that there is or a new one. Rejects with OperationalError when the broker cannot be reached. */
  openChannel(signal?: AbortSignal): Promise<Channel>;
}

/** Where results rest. Storage only: it never decides what a task or a chord does next. */
export interface ResultBackend extends AsyncDisposable {
  readonly capabilities: BackendCapabilities;
  /** What our messages must carry in reply_to to get an answer (rpc). */
  readonly replyTo?: string;
  /** Present beside `replyTo`: undefined while answers can come, else resolves when they can. Whoever sends awaits it first. */
  listening?(): Promise<void> | undefined;
  /**
   * A stored SUCCESS stays; any other state may be overwritten, in the order of the calls (Celery's rule, wire.md 4.1).
   * Saves of one tick may share one command. Rejects with OperationalError while trying again may help, with BackendStoreError where it cannot for this meta.
   */
  save(meta: ResultMeta, options?: SaveOptions): Promise<void>;
  load(taskId: string): Promise<ResultMeta | undefined>;
  forget(taskIds: readonly string[]): Promise<void>;
  /** 'final': each task's final meta once, whether it was final already or becomes so. 'all': every change that is seen, up to the final one. */
  watch(taskIds: readonly string[], options: { readonly states: 'final' | 'all'; readonly signal: AbortSignal }): AsyncIterable<ResultMeta>;
  saveGroup(groupId: string, tree: Json): Promise<void>;
  loadGroup(groupId: string): Promise<Json | undefined>;
  forgetGroup(groupId: string): Promise<void>;
  /** Present exactly where `capabilities.chords` is 'store'. */
  readonly chords?: ChordStore;
  /** Present exactly where `capabilities.chords` is 'counter'. */
  readonly counter?: ChordCounter;
  /** For stores that cannot expire by themselves. Returns how many rows went. */
  sweep?(before: Date): Promise<number>;
}
export interface BackendCapabilities {
  readonly pushes: boolean;
  readonly expires: boolean;
  readonly durable: boolean;
  /**
   * How a chord is counted: by ChordStore; by ChordCounter, beside the saved group (wire.md 4.4.2); by the task celery.chord_unlock, which needs nothing
   * but `load` (4.4.3); or not at all, and chords are refused (rpc).
   */
  readonly chords: 'store' | 'counter' | 'unlock' | 'none';
}
export interface SaveOptions {
  /** The caller's address, for backends that send results instead of storing them. */
  readonly replyTo?: string;
  /** Write only over one of these states, or over nothing: a revoke must not end a running task's record. */
  readonly over?: readonly TaskState[];
}

/** The chord's barrier: the one place where "the last one out turns off the light" must be atomic. On Redis these are Celery 5.7's keys and scripts. */
export interface ChordStore {
  /** Before the header is sent. The body and the deadline are for the sweep that ends a chord whose parts vanished. */
  open(groupId: string, size: number, body: SignatureData): Promise<void>;
  grow(groupId: string, by: number): Promise<void>;
  /** Records a part, once per task id and index. */
  arrive(groupId: string, part: ChordPart): Promise<ChordArrival>;
  /** Takes chords whose deadline has passed, each once: to be failed. */
  overdue(max: number): Promise<readonly OverdueChord[]>;
}
/**
 * All that a store must have to count chords, where it cannot be a ChordStore: a number per chord, under Celery's key `chord-unlock-<group id>` so that
 * its workers count the same. Everything else is done with `saveGroup` and `load`. It may be told of one part twice: a count is only the sign to look.
 */
export interface ChordCounter {
  /** Back to nothing, before the header is sent. */
  reset(groupId: string): Promise<void>;
  /** Adds one, atomically among all programs, and gives the sum. What is not there yet is nothing. It lives for `chordExpiresMs` from then on. */
  increment(groupId: string): Promise<number>;
}
/** A chord that will not complete, and what is known of its parts. */
export interface OverdueChord {
  readonly groupId: string;
  readonly body: SignatureData;
  /** How many parts it was to have. */
  readonly size: number;
  /** Those that came. */
  readonly arrived: readonly Pick<ChordPart, 'taskId' | 'index'>[];
}
export type ChordArrival =
  /** Others are still to come. */
  | { readonly kind: 'counted' }
  /** All are in, and starting the body falls to us: parts in header order. */
  | { readonly kind: 'mine'; readonly parts: readonly ChordPart[]; readonly claim: ChordClaim }
  /** All are in, another holds the claim and may have died: come again then, before acking. */
  | { readonly kind: 'busy'; readonly retryInMs: number }
  /** The body is on its way, or the chord has failed or expired. */
  | { readonly kind: 'closed' };
export interface ChordClaim {
  /** False: another took it over; stop. */
  extend(ms: number): Promise<boolean>;
  /** The body is on its way: forget the parts, remember that it is done. */
  close(): Promise<void>;
  /** The chord has failed: no later part may complete it. */
  fail(): Promise<void>;
}
export interface ChordPart {
  readonly index: number | null;
  readonly taskId: string;
  readonly status: TaskState;
  readonly result: Encoded;
}
