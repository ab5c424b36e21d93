import { OperationalError } from '../../errors.ts';
import type { Dispatch, TaskHost } from '../../execution/host.ts';
import { deferred, type Deferred } from '../../kernel/deferred.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import { packDispatch, packMeta, type FromChild, type HostCall } from '../ipc.ts';

/** Unanswered messages and bytes of one child; more wait. */
const MOST_MESSAGES = 1_000;
const MOST_BYTES = 1_000_000;

interface Call {
  readonly call: HostCall;
  readonly messages: number;
  readonly bytes: number;
  readonly answered: Deferred<void>;
}

/** The calls of running tasks, as a child makes them: handed to the parent in order, answered by number. */
export class ChildHost implements TaskHost {
  readonly #push: (message: FromChild) => void;
  readonly #unanswered = new Map<number, Call>();
  readonly #waiting: Call[] = [];
  #number = 0;
  #messages = 0;
  #bytes = 0;

  constructor(push: (message: FromChild) => void) {
    this.#push = push;
  }

  async dispatch(dispatch: Dispatch): Promise<void> {
    return this.#call({ name: 'dispatch', json: packDispatch(dispatch) }, Math.max(1, dispatch.messages.length));
  }

  async saveState(meta: ResultMeta, replyTo?: string): Promise<void> {
    return this.#call({ name: 'saveState', json: packMeta(meta), replyTo }, 1);
  }

  growChord(groupId: string, by: number): Promise<void> {
    return this.#call({ name: 'growChord', groupId, by }, 1);
  }

  emit(type: string, fields: JsonObject): void {
    this.#push({ kind: 'emit', type, fields });
  }

  async idle(): Promise<void> {
    while (this.#unanswered.size + this.#waiting.length > 0) {
      await Promise.allSettled([...this.#unanswered.values(), ...this.#waiting].map((call) => call.answered.promise));
    }
  }

  answer(number: number, error: string | undefined): void {
    const call = this.#unanswered.get(number);
    if (call === undefined) return;
    this.#unanswered.delete(number);
    this.#messages -= call.messages;
    this.#bytes -= call.bytes;
    if (error === undefined) call.answered.resolve();
    else call.answered.reject(new OperationalError(error));
    while (this.#waiting.length > 0 && this.#hasRoom(this.#waiting[0]!)) this.#hand(this.#waiting.shift()!);
  }

  #call(call: HostCall, messages: number): Promise<void> {
    const one: Call = { call, messages, bytes: 'json' in call ? call.json.length : 0, answered: deferred() };
    if (this.#waiting.length === 0 && this.#hasRoom(one)) this.#hand(one);
    else this.#waiting.push(one);
    return one.answered.promise;
  }

  /** A call larger than the bound goes when nothing else is under way. */
  #hasRoom({ messages, bytes }: Call): boolean {
    return this.#unanswered.size === 0 || (this.#messages + messages <= MOST_MESSAGES && this.#bytes + bytes <= MOST_BYTES);
  }

  #hand(call: Call): void {
    const number = ++this.#number;
    this.#unanswered.set(number, call);
    this.#messages += call.messages;
    this.#bytes += call.bytes;
    this.#push({ kind: 'call', call: number, ...call.call });
  }
}
