import type { ChordStore, ResultBackend } from '../backends/backend.ts';
import { ChordError } from '../errors.ts';
import type { Dispatch, TaskHost } from '../execution/host.ts';
import { deferred, type Deferred } from '../kernel/deferred.ts';
import type { Producer } from '../messaging/producer.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { KeepAlive } from './keep-alive.ts';

export interface DirectHostOptions {
  readonly producer: () => Promise<Producer>;
  readonly backend: () => Promise<ResultBackend>;
  readonly keepAlive: KeepAlive;
  /** A promise, which never rejects, where it takes its time. */
  readonly emit: (type: string, fields: JsonObject) => Promise<void> | void;
}

/** Carries calls out on the app's own connections: in producers, and in workers whose tasks run in the process itself. */
export class DirectHost implements TaskHost {
  readonly #options: DirectHostOptions;
  #producer: Producer | undefined;
  #underWay = 0;
  #idle: Deferred<void> | undefined;

  /** One function for all calls: this is the way of every `delay`. */
  readonly #done = (): void => {
    this.#underWay -= 1;
    this.#options.keepAlive.end();
    if (this.#underWay > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  };

  constructor(options: DirectHostOptions) {
    this.#options = options;
  }

  dispatch({ chords, groups, messages }: Dispatch): Promise<void> {
    const producer = this.#producer;
    const [first] = messages;
    if (producer !== undefined && first !== undefined && messages.length === 1 && chords.length === 0 && groups.length === 0) {
      return this.#counted(producer.publish(first));
    }
    return this.#counted(this.#carryOut({ chords, groups, messages }));
  }

  saveState(meta: ResultMeta, replyTo?: string): Promise<void> {
    return this.#counted(this.#options.backend().then((backend) => backend.save(meta, replyTo === undefined ? {} : { replyTo })));
  }

  growChord(groupId: string, by: number): Promise<void> {
    return this.#counted(this.#options.backend().then((backend) => storeOf(backend).grow(groupId, by)));
  }

  emit(type: string, fields: JsonObject): void {
    const told = this.#options.emit(type, fields);
    if (told instanceof Promise) void this.#counted(told);
  }

  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  /** The barriers stand before the first message leaves. */
  async #carryOut({ chords, groups, messages }: Dispatch): Promise<void> {
    if (groups.length > 0 || chords.length > 0) {
      const backend = await this.#options.backend();
      for (const { groupId, tree } of groups) await backend.saveGroup(groupId, tree);
      for (const { groupId, size, body } of chords) {
        await (backend.counter === undefined ? storeOf(backend).open(groupId, size, body) : backend.counter.reset(groupId));
      }
    }
    const producer = (this.#producer ??= await this.#options.producer());
    await producer.publishAll(messages);
  }

  #counted(call: Promise<void>): Promise<void> {
    this.#underWay += 1;
    this.#options.keepAlive.begin();
    call.then(this.#done, this.#done);
    return call;
  }
}

function storeOf({ chords }: ResultBackend): ChordStore {
  if (chords === undefined) throw new ChordError('this result backend keeps no list of the parts of a chord: use redis://, sqlite:// or memory://');
  return chords;
}
