import type { RedisConnection } from '../../clients/redis.ts';
import { BLOCK_S } from './connections.ts';

/** One list that is waited for on a connection of its own. What the server hands out is in `taken` before we know of it: it is never nowhere. */
export class BlockingList {
  readonly queue: string;
  readonly taken: string;
  readonly #list: string;
  readonly #connection: RedisConnection;
  readonly #onMessage: (list: BlockingList, envelope: Buffer) => void;
  readonly #onBacklog: () => void;
  readonly #beforeWait: (connection: RedisConnection) => void;
  readonly #id: number;
  #isWanted = false;
  /** The command under way; resolves when it has been answered. */
  #blocked: Promise<void> | undefined;

  private constructor(options: BlockingListOptions, id: number) {
    this.queue = options.queue;
    this.taken = options.taken;
    this.#list = options.list;
    this.#connection = options.connection;
    this.#onMessage = options.onMessage;
    this.#onBacklog = options.onBacklog;
    this.#beforeWait = options.beforeWait;
    this.#id = id;
  }

  static async open(options: BlockingListOptions): Promise<BlockingList> {
    return new BlockingList(options, Number(await options.connection.call('CLIENT', 'ID')));
  }

  /** From now on, until `release`; a message ends the wait too. */
  block(): void {
    this.#isWanted = true;
    this.#blocked ??= this.#wait();
  }

  get isBlocked(): boolean {
    return this.#blocked !== undefined;
  }

  /** Ends the wait. A message that comes at the same moment is handed over all the same. */
  async release(command: RedisConnection): Promise<void> {
    this.#isWanted = false;
    // Our wait may still be on its way to the server; then there is nothing to unblock yet.
    while (this.#blocked !== undefined && !this.#isWanted && !command.isClosed && !this.#connection.isClosed) {
      if (Number(await command.call('CLIENT', 'UNBLOCK', this.#id)) === 1) await this.#blocked;
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #wait(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#beforeWait(this.#connection);
        this.#connection.call('LLEN', this.#list).then((length) => {
          // The wait that follows takes the first itself.
          if (Number(length) > 1) this.#onBacklog();
        }, toldByTheTake);
        const envelope = (await this.#connection.callBytes('BLMOVE', this.#list, this.taken, 'RIGHT', 'LEFT', BLOCK_S)) as Buffer | null;
        if (envelope === null) continue;
        this.#isWanted = false;
        this.#onMessage(this, envelope);
      }
    } catch (error) {
      // A server's refusal (wrong type, no permission) would come again at once; a lost connection is told by its `closed`.
      this.#isWanted = false;
      if (!this.#connection.isClosed) this.#connection.fail((error as Error).message);
    } finally {
      this.#blocked = undefined;
      if (this.#isWanted) this.block();
    }
  }
}

export interface BlockingListOptions {
  readonly queue: string;
  readonly list: string;
  readonly taken: string;
  readonly connection: RedisConnection;
  readonly onMessage: (list: BlockingList, envelope: Buffer) => void;
  /** When a wait begins there is something already, perhaps much: one message at a time is a slow way to take it. */
  readonly onBacklog: () => void;
  /** What there is to say to the server may be said on this connection now: it leaves in one write with the wait, which each would cost alone. */
  readonly beforeWait: (connection: RedisConnection) => void;
}

/** What fails here fails the command that follows on the same connection. */
const toldByTheTake = (): void => undefined;
