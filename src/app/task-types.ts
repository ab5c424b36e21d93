/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { ApplyOptions, EagerOptions } from '../canvas/call-options.ts';
import type { MapItem, Missing, Partials } from '../canvas/partial.ts';
import type { List, Received, Returnable, Sendable } from '../canvas/sendable.ts';
import type { Group, Signature } from '../canvas/signature.ts';
import type { AsyncResult, EagerResult } from '../results/result.ts';
import type { StandardSchemaV1 } from './schema.ts';
import type { TaskContext } from './task-context.ts';
import type { DeclareOptions, TaskOptions } from './task-options.ts';

export type AnyFunction = (...args: never[]) => unknown;

/** A task that can be called from here and runs elsewhere. */
export interface RemoteTask<A extends List, R> {
  readonly name: string;
  readonly options: Readonly<TaskOptions>;
  /** Sends the call; resolves when the broker has it. */
  delay(...args: A): Promise<AsyncResult<Received<R>>>;
  /** The same, with options. */
  applyAsync(args: A, options?: ApplyOptions<Received<R>>): Promise<AsyncResult<Received<R>>>;
  /** A call written down. Arguments given are the last ones; what is missing comes first, from the link before. */
  s<const P extends Partials<A>>(...args: P): Signature<Missing<A, P>, Received<R>>;
  /** The same, deaf to the result of the link before. */
  si(...args: A): Signature<[ignored?: unknown], Received<R>>;
  /** One message that runs the task for each item in turn. */
  map(items: Iterable<MapItem<A>>): Signature<[ignored?: unknown], Received<R>[]>;
  /** The same, each item a list of arguments. */
  starmap(items: Iterable<A>): Signature<[ignored?: unknown], Received<R>[]>;
  /** One message for every `size` items. */
  chunks(items: Iterable<A>, size: number): Group<[ignored?: unknown], Received<R>[][]>;
}

/** Any task at all: for lists and tables of tasks. (`RemoteTask<any, any>` would not do: nothing is assignable to its `s`.) */
export interface AnyTask {
  readonly name: string;
  readonly options: Readonly<TaskOptions>;
  delay(...args: any): Promise<AsyncResult<any>>;
  applyAsync(args: any, options?: ApplyOptions): Promise<AsyncResult<any>>;
  si(...args: any): Signature<[ignored?: unknown], any>;
}

/** A task defined here. Calling it runs the plain function. */
export interface Task<A extends List, R> extends RemoteTask<A, R> {
  (...args: A): R;
  /** Runs it here and now, as a worker would, without a broker. */
  apply(args: A, options?: EagerOptions): Promise<EagerResult<Received<R>>>;
}

/** A task whose name is known to the compiler, so that `createClient<typeof tasks>()` can offer it. */
export interface NamedTask<N extends string, A extends List, R> extends Task<A, R> {
  readonly name: N;
}

/** A task's name, arguments and result, without its code. */
export interface TaskContract<A extends List, R> {
  readonly name: string;
  readonly options: Readonly<DeclareOptions>;
  readonly '~types'?: (...args: A) => R;
}

export type ArgsOf<F> = F extends (this: any, ...args: infer A) => unknown ? A : never;
export type BoundArgsOf<F> = F extends (self: any, ...args: infer A) => unknown ? A : never;
/** `unknown` if arguments and result can be sent; else a function type that shows what cannot. */
export type Checked<A extends List, R> = [A, R] extends [Sendable<A>, Returnable<R>]
  ? unknown
  : (...args: Sendable<A> extends infer S extends List ? S : never) => Returnable<R> | PromiseLike<Returnable<R>>;
export type CheckedHandler<F, Bound> = F extends AnyFunction
  ? Bound extends true
    ? CheckedBound<BoundArgsOf<F>, Awaited<ReturnType<F>>>
    : Checked<ArgsOf<F>, Awaited<ReturnType<F>>>
  : never;
export type CheckedBound<A extends List, R> = [A, R] extends [Sendable<A>, Returnable<R>]
  ? unknown
  : (self: any, ...args: Sendable<A> extends infer S extends List ? S : never) => Returnable<R> | PromiseLike<Returnable<R>>;
export type Handler<Bound, Self, Out extends List, RI> = Bound extends true
  ? (this: Self, self: Self, ...args: Out) => RI | PromiseLike<RI>
  : (this: Self, ...args: Out) => RI | PromiseLike<RI>;
export type Defined<N extends string, A extends List, R> = string extends N ? Task<A, R> : NamedTask<N, A, R>;

/** How the handler is called: `bind`, a base class for `self`, schemas, keyword arguments. */
export interface Binding<N extends string, Bound, Self, In extends List, Out extends List, RI, RO> {
  readonly name?: N;
  readonly bind?: Bound;
  readonly base?: new () => Self;
  /** A schema of the argument list. Callers see its input, the handler its output. */
  readonly args?: StandardSchemaV1<In, Out>;
  /** A schema of the return value. The handler returns its input, callers receive its output. */
  readonly result?: StandardSchemaV1<RI, RO>;
  /** The last parameter holds keyword arguments: it travels as Celery's `kwargs`. */
  readonly kwargs?: true | StandardSchemaV1<any, any>;
}

/** The arguments callers give: the schema's input if there is a schema, else the handler's own. */
export type Inputs<F, Bound, In> = [In] extends [never] ? (Bound extends true ? BoundArgsOf<F> : ArgsOf<F>) : In extends List ? In : never;
export type Output<F, RO> = [RO] extends [never] ? (F extends (...args: never[]) => infer R ? R : never) : RO;

/** `app.task`, in its four forms. */
export interface TaskDefiner {
  <F extends (this: TaskContext, ...args: never[]) => unknown>(fn: F & CheckedHandler<F, false>): Task<ArgsOf<F>, ReturnType<F>>;
  <
    F extends Handler<Bound, Self, Out, RI>,
    const N extends string = string,
    Bound extends boolean = false,
    Self extends TaskContext = TaskContext,
    In extends List = never,
    Out extends List = never[],
    RI = unknown,
    RO = never,
  >(
    nameOrOptions: N | (TaskOptions & Binding<N, Bound, Self, In, Out, RI, RO>),
    fn: F & CheckedHandler<F, Bound>,
  ): Defined<N, Inputs<F, Bound, In>, Output<F, RO>>;
  <
    F extends Handler<Bound, Self, Out, RI>,
    const N extends string,
    Bound extends boolean = false,
    Self extends TaskContext = TaskContext,
    In extends List = never,
    Out extends List = never[],
    RI = unknown,
    RO = never,
  >(
    name: N,
    options: TaskOptions & Binding<string, Bound, Self, In, Out, RI, RO>,
    fn: F & CheckedHandler<F, Bound>,
  ): Defined<N, Inputs<F, Bound, In>, Output<F, RO>>;
}
