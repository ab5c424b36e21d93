import type { RedisConnection } from '../../clients/redis.ts';
import { type Deferred, deferred } from '../../kernel/deferred.ts';

const MAX_MESSAGES = 500;
const MAX_CHARS = 1_000_000;

interface Parcel {
  readonly texts: string[];
  readonly sent: Deferred<void>;
  chars: number;
  isAscii: boolean;
}

/** Messages of one tick to one list leave in one variadic LPUSH and share one promise. The order within a list is kept. */
export class Outbox {
  readonly #connection: RedisConnection;
  readonly #onPushed: (list: string) => void;
  /** By list; the last parcel of each is the one being filled. */
  #parcels = new Map<string, Parcel[]>();
  #expiring = new Map<string, { readonly lists: readonly string[]; readonly ms: number }>();

  constructor(connection: RedisConnection, onPushed: (list: string) => void) {
    this.#connection = connection;
    this.#onPushed = onPushed;
  }

  /** `isAscii`: it is known to be; `expiring`: lists that live for `ms` from now on (a queue's `x-expires`). */
  push(list: string, text: string, isAscii: boolean, expiring?: { readonly lists: readonly string[]; readonly ms: number }): Promise<void> {
    if (this.#parcels.size === 0) queueMicrotask(() => this.#flush());
    if (expiring !== undefined) this.#expiring.set(list, expiring);
    const parcels = this.#parcels.get(list);
    const open = parcels?.at(-1);
    if (open !== undefined && open.texts.length < MAX_MESSAGES && open.chars < MAX_CHARS) {
      open.texts.push(text);
      open.chars += text.length;
      open.isAscii &&= isAscii;
      return open.sent.promise;
    }
    const parcel: Parcel = { texts: [text], sent: deferred(), chars: text.length, isAscii };
    if (parcels === undefined) this.#parcels.set(list, [parcel]);
    else parcels.push(parcel);
    return parcel.sent.promise;
  }

  #flush(): void {
    const all = this.#parcels;
    const expiring = this.#expiring;
    this.#parcels = new Map();
    if (expiring.size > 0) this.#expiring = new Map();
    for (const [list, parcels] of all) {
      // Whoever looks from now on looks after it has come.
      this.#onPushed(list);
      const life = expiring.get(list);
      for (const { texts, sent, isAscii } of parcels) {
        const pushed =
          life === undefined
            ? this.#connection.push(list, texts, isAscii)
            : this.#connection.pipeline([['LPUSH', list, ...texts], ...life.lists.map((key) => ['PEXPIRE', key, life.ms] as const)]);
        pushed.then(() => sent.resolve(), sent.reject);
      }
    }
  }
}
