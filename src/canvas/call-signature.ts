import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import { readSignature, signatureData, type SignatureData } from '../protocol/signature.ts';
import type { AsyncResult, EagerResult } from '../results/result.ts';
import type { ApplyOptions } from './call-options.ts';
import { surroundings, type Caller, type Sending } from './caller.ts';
import type { Errback } from './errback.ts';
import { freeze } from './freeze.ts';
import { joinedAll } from './join.ts';
import { errorLinked, linked } from './links.ts';
import { nothingToSend } from './nothing.ts';
import type { StampingVisitor } from './signature.ts';
import { headerOf, mergeCall, mergeOptions, prepend, stepsOf, withImmutable } from './signature-data.ts';
import { stamped } from './stamp.ts';
import { callOptions, wireOptions } from './wire-options.ts';
import { shownCall } from './shown.ts';
import { dataVisitor } from './visitor.ts';

/**
 * Every signature at run time: frozen data, and the app that carries it out. All methods that change something give a copy.
 * The public types (`Signature`, `Group`) are laid over it where it is made: they know arguments and results, this knows none.
 */
export class CallSignature {
  /** What was piped is joined when somebody looks: one by one, a thousand pipes would copy half a million steps. */
  #made: SignatureData | Piped;
  readonly #caller: Caller | undefined;

  constructor(made: SignatureData | Piped, caller: Caller | undefined) {
    this.#made = made;
    this.#caller = caller;
  }

  get #data(): SignatureData {
    const rights: SignatureData[] = [];
    let made = this.#made;
    for (; made instanceof Piped; made = made.left.#made) rights.push(made.right);
    if (rights.length > 0) this.#made = made = joinedAll(made, rights.reverse());
    return made;
  }

  get task(): string {
    return this.#data.task;
  }
  get args(): readonly Value[] {
    return this.#data.args;
  }
  get kwargs(): ValueMap {
    return this.#data.kwargs;
  }
  get options(): ValueMap {
    return this.#data.options;
  }
  get subtaskType(): string | null {
    return this.#data.subtask_type;
  }
  get immutable(): boolean {
    return this.#data.immutable;
  }
  get id(): string | undefined {
    return this.#data.options['task_id'] as string | undefined;
  }
  get tasks(): readonly CallSignature[] | undefined {
    const { kwargs, subtask_type } = this.#data;
    if (subtask_type === 'chain' || subtask_type === 'group') return stepsOf(kwargs['tasks']).map((step) => this.#revive(step));
    if (subtask_type !== 'chord') return undefined;
    return headerOf(this.#data).map((step) => this.#revive(step));
  }
  get body(): CallSignature | undefined {
    const { body } = this.#data.kwargs;
    return this.#data.subtask_type === 'chord' && body !== undefined ? this.#revive(readSignature(body)) : undefined;
  }
  /** The app it belongs to, where it has one. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  delay(...args: readonly unknown[]): Promise<AsyncResult<unknown>> {
    return this.applyAsync(args);
  }

  applyAsync(argsOrOptions?: readonly unknown[] | ApplyOptions, more?: ApplyOptions): Promise<AsyncResult<unknown>> {
    const args = Array.isArray(argsOrOptions) ? (argsOrOptions as readonly Value[]) : [];
    const options = more ?? (Array.isArray(argsOrOptions) ? undefined : (argsOrOptions as ApplyOptions | undefined));
    const caller = this.#sender;
    if (caller === undefined) {
      const nothing = nothingToSend(this.#data);
      return nothing === undefined ? Promise.reject(noApp(this.#data.task)) : Promise.resolve(nothing);
    }
    const data = prepend(this.#data, args);
    if (options === undefined) return caller.start(data, {});
    if (this.#refuses(options)) return Promise.reject(noCallbacks());
    return caller.start(mergeOptions(data, callOptions(options)), sendingOf(options));
  }

  apply(...args: readonly unknown[]): Promise<EagerResult<unknown>> {
    const caller = this.#sender;
    return caller === undefined ? Promise.reject(noApp(this.#data.task)) : caller.apply(prepend(this.#data, args as readonly Value[]));
  }

  pipe(next: CallSignature): CallSignature {
    if (!(next instanceof CallSignature)) throw new TypeError(`expected a signature, such as task.s(1, 2), not ${next === null ? 'null' : typeof next}`);
    return new CallSignature(new Piped(this, next.toJSON()), this.#caller ?? next.caller);
  }

  set(options: ApplyOptions & { readonly immutable?: boolean }): CallSignature {
    if (this.#refuses(options)) throw noCallbacks();
    const { immutable = this.#data.immutable, ...rest } = options;
    const named = mergeOptions(this.#data, wireOptions(rest));
    return this.#with(options.immutable === undefined ? named : withImmutable(named, immutable));
  }

  clone(options: ApplyOptions = {}): CallSignature {
    if (this.#refuses(options)) throw noCallbacks();
    return this.#with(mergeCall(this.#data, wireOptions(options)));
  }

  link(callback: CallSignature): CallSignature {
    return this.#with(linked(this.#data, callback.toJSON()));
  }

  linkError(errback: CallSignature | Errback): CallSignature {
    const [data] = stepsOf(wireOptions({ linkError: errback as Errback })['link_error']);
    return this.#with(errorLinked(this.#data, data!, this.#sender?.linksErrorsOnHeader === true));
  }

  onError(errback: CallSignature | Errback): CallSignature {
    return this.linkError(errback);
  }

  stamp(
    stamps: Readonly<Record<string, Json>> | StampingVisitor,
    options: { readonly append?: boolean; readonly stamps?: Readonly<Record<string, Json>> } = {},
  ): CallSignature {
    const visits = typeof (stamps as StampingVisitor).onSignature === 'function';
    const visitor = visits ? dataVisitor(stamps as StampingVisitor, (data) => this.#revive(data)) : undefined;
    const given = { ...options.stamps, ...(visits ? {} : (stamps as Readonly<Record<string, Json>>)) };
    return this.#with(stamped(this.#data, given, { visitor, append: options.append ?? false }));
  }

  freeze(given: { readonly id?: string; readonly rootId?: string; readonly parentId?: string; readonly groupId?: string } = {}): {
    readonly signature: CallSignature;
    readonly result: AsyncResult<unknown>;
  } {
    const caller = this.#sender;
    if (caller === undefined) throw noApp(this.#data.task);
    const options = { task_id: given.id, root_id: given.rootId, parent_id: given.parentId, group_id: given.groupId };
    const named = mergeOptions(this.#data, Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ValueMap);
    const frozen = freeze(named, newId);
    return { signature: this.#with(frozen.signature), result: caller.handle(frozen.result) };
  }

  /** The signature and all callbacks below it. */
  flattenLinks(): readonly CallSignature[] {
    const links = stepsOf(this.#data.options['link']).map((link) => this.#revive(link));
    return [this, ...links.flatMap((link) => link.flattenLinks())];
  }

  /** Members of a group with rising countdowns, in seconds: as `range(start, stop, step)`, over and over where there are more members. */
  skew(start: unknown = 1, stop?: unknown, step: unknown = 1): CallSignature {
    const [from, to, by] = [secondsOf(start), stop === undefined ? undefined : secondsOf(stop), secondsOf(step)];
    const round = to === undefined ? undefined : Math.max(1, Math.ceil((to - from) / by));
    const tasks = stepsOf(this.#data.kwargs['tasks']).map((member, index) =>
      mergeOptions(member, { countdown: from + by * (round === undefined ? index : index % round) }),
    );
    return this.#with({ ...this.#data, kwargs: { ...this.#data.kwargs, tasks } });
  }

  toJSON(): SignatureData {
    return this.#data;
  }

  toString(): string {
    return shownCall(this.#data);
  }

  /** Who sends it: its own app, else the app of the task that runs here. */
  get #sender(): Caller | undefined {
    return this.#caller ?? surroundings.getStore()?.caller;
  }

  /** No member of a group has its result, which a callback would want. */
  #refuses({ link }: ApplyOptions): boolean {
    return link !== undefined && this.subtaskType === 'group';
  }

  #with(data: SignatureData): CallSignature {
    return new CallSignature(signatureData(data), this.#caller);
  }

  #revive(data: SignatureData): CallSignature {
    return new CallSignature(data, this.#caller);
  }
}

/** `left | right`, not joined yet. */
class Piped {
  readonly left: CallSignature;
  readonly right: SignatureData;

  constructor(left: CallSignature, right: SignatureData) {
    this.left = left;
    this.right = right;
  }
}

const noApp = (task: string): ImproperlyConfigured =>
  new ImproperlyConfigured(`the signature of ${task} belongs to no app: make it with app.signature() or a task's s(), or combine it with one that was`);

const noCallbacks = (): TypeError => new TypeError('a group takes no callbacks: link its members, or make it a chord');

export const sendingOf = (options: ApplyOptions): Sending => ({
  signal: options.signal,
  timeoutMs: durationMs(options.timeout),
  retryErrors: options.retryPolicy?.retryErrors,
});

const secondsOf = (duration: unknown): number => (durationMs(duration) ?? 0) / 1000;
