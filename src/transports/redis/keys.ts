import type { RedisTransportOptions } from './options.ts';

/** Everything that we write to the broker's Redis, by name (wire.md 5.3, decisions.md 26). */
export class RedisKeys {
  readonly unacked: string;
  readonly unackedIndex: string;
  readonly mutex: string;
  readonly bindingDeadlines: string;
  readonly workers: string;
  readonly eta: string;
  readonly separator: string;
  readonly steps: readonly number[];
  readonly #prefix: string;
  readonly #fanoutPrefixes: readonly string[];
  readonly #suffixes: readonly string[];

  constructor(options: RedisTransportOptions) {
    this.#prefix = options.globalKeyprefix;
    const { fanoutPrefix, legacyFanoutPrefix } = options;
    this.#fanoutPrefixes = (legacyFanoutPrefix === undefined ? [fanoutPrefix] : [fanoutPrefix, legacyFanoutPrefix]).map((prefix) => this.#prefix + prefix);
    this.separator = options.separator;
    this.steps = options.prioritySteps;
    this.#suffixes = options.prioritySteps.map((step) => (step === 0 ? '' : `${options.separator}${step}`));
    this.unacked = this.#prefix + options.unackedKey;
    this.unackedIndex = this.#prefix + options.unackedIndexKey;
    this.mutex = this.#prefix + options.unackedMutexKey;
    this.bindingDeadlines = `${this.#prefix}_kombu.binding_deadlines`;
    this.workers = `${this.#prefix}celeriac/workers`;
    this.eta = `${this.#prefix}celeriac/eta`;
  }

  /** The list of a queue for messages of this priority; 0 is taken first. */
  list(queue: string, priority: number | undefined): string {
    const clamped = Math.min(9, Math.max(0, priority ?? 0));
    let step = 0;
    while (step + 1 < this.steps.length && this.steps[step + 1]! <= clamped) step++;
    return this.#prefix + queue + this.#suffixes[step]!;
  }

  /** All lists of a queue, in the order in which they are emptied. */
  lists(queue: string): readonly string[] {
    return this.#suffixes.map((suffix) => this.#prefix + queue + suffix);
  }

  bindings(exchange: string): string {
    return `${this.#prefix}_kombu.binding.${exchange}`;
  }
  permanentBindings(exchange: string): string {
    return `${this.#prefix}_kombu.binding_permanent.${exchange}`;
  }
  /** A worker's lease. */
  worker(owner: string): string {
    return `${this.#prefix}celeriac/worker/${owner}`;
  }
  /** Where a blocking take puts a message until it is recorded as held. */
  taken(queue: string, owner: string): string {
    return `${this.#prefix}${queue}/taken/${owner}`;
  }
  dead(queue: string): string {
    return `${this.#prefix}celeriac/dead/${queue}`;
  }
  /** Where a topic is heard; the first is enough for all but kombu before 5.4 behind sentinels. */
  channels(topic: string): readonly string[] {
    return this.#fanoutPrefixes.map((prefix) => prefix + topic);
  }
  /** What stands before an exchange's name in a table of bindings, and in the set that protects it. */
  get bindingPrefixes(): readonly [table: string, permanent: string] {
    return [this.bindings(''), this.permanentBindings('')];
  }

  /** What all our tags begin with, held or parked; kombu's are bare UUIDs. */
  static readonly ours = 'celeriac/';
  /** What the tags of parked messages begin with. */
  static readonly parked = 'celeriac/eta/';
  static tagsOf(owner: string): string {
    return `celeriac/${owner}/`;
  }
  /** The owner in a tag of ours; undefined for kombu's tags and for parked ones. */
  static ownerOf(tag: string): string | undefined {
    return tag.startsWith(RedisKeys.parked) ? undefined : /^celeriac\/([^/]+)\//.exec(tag)?.[1];
  }
}
