/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { ImproperlyConfigured } from '../errors.ts';
import type { BaseTask } from './base-task.ts';
import { checkTaskOptions } from './check-options.ts';
import { parameterNames } from './parameter-names.ts';
import type { Parameters } from './arguments.ts';
import type { StandardSchemaV1 } from './schema.ts';
import type { TaskOptions } from './task-options.ts';
import { checkLimits } from './task-policy.ts';

type AnyHandler = (...args: never[]) => unknown;

/** A task as it was written down, checked. */
export interface Definition {
  readonly name: string;
  readonly options: TaskOptions;
  /** What runs: the function, or `run` of the class. */
  readonly fn: AnyHandler;
  /** The class of `self`; undefined: the app's. */
  readonly base: (new () => BaseTask) | undefined;
  /** `self` comes first; without it `self` is `this` alone. */
  readonly isBound: boolean;
  readonly args: StandardSchemaV1<any, any> | undefined;
  readonly result: StandardSchemaV1<any, any> | undefined;
  readonly kwargs: true | StandardSchemaV1<any, any> | undefined;
  readonly parameters: Parameters | undefined;
  /** The file and line where it was defined. */
  readonly where: string;
  /** Celery's own: may be replaced. */
  readonly isBuiltin: boolean;
}

/** Everything that options of a definition may say. */
export type AnyOptions = TaskOptions & {
  readonly name?: string;
  readonly bind?: boolean;
  readonly base?: new () => BaseTask;
  readonly args?: StandardSchemaV1<any, any>;
  readonly result?: StandardSchemaV1<any, any>;
  readonly kwargs?: true | StandardSchemaV1<any, any>;
};

export function definition(given: {
  readonly main: string;
  readonly name: string | undefined;
  readonly options: AnyOptions;
  readonly fn: AnyHandler;
  readonly where: string;
  readonly warn: (message: string) => void;
  readonly isBuiltin?: boolean;
}): Definition {
  const { name: optionName, bind = false, base, args, result, kwargs, ...options } = given.options;
  if (typeof given.fn !== 'function') throw new ImproperlyConfigured(withoutFunction(given.fn));
  const name = given.name ?? optionName ?? defaultName(given.main, given.fn, given.warn);
  if (name === '') throw new ImproperlyConfigured('a task name must not be empty');
  if (options.backend !== undefined) {
    throw new ImproperlyConfigured(`the task ${name} names a result backend of its own: that is not built, results go to the app's`);
  }
  checkTaskOptions(name, given.options);
  checkLimits(name, options);
  const names = options.params ?? sourceNames(given.fn, bind);
  const parameters = names === undefined ? undefined : { task: name, names, isDeclared: options.params !== undefined };
  return { name, options, fn: given.fn, base, isBound: bind, args, result, kwargs, parameters, where: given.where, isBuiltin: given.isBuiltin ?? false };
}

function withoutFunction(fn: unknown): string {
  if (typeof fn !== 'string') return `a task needs a function, not ${fn === null ? 'null' : typeof fn}`;
  return `app.task('${fn}') has no function. What runs the task comes last: app.task('${fn}', (x) => …); one that lives elsewhere is app.declare('${fn}')`;
}

/** The app's name and the function's. Bundlers rename functions, so names that look renamed get a warning. */
function defaultName(main: string, fn: AnyHandler, warn: (message: string) => void): string {
  if (fn.name === '') {
    throw new ImproperlyConfigured(`a task without a name: the function has none either. Write app.task('${main}.my_task', …)`);
  }
  const name = `${main}.${fn.name}`;
  if (/\d$/.test(fn.name) || fn.name.length === 1) {
    warn(
      `the task ${name} is named by its function, and looks as if a bundler had renamed that: producer and worker may disagree about it. Give it a name: app.task('${main}.…', …)`,
    );
  }
  return name;
}

function sourceNames(fn: AnyHandler, isBound: boolean): readonly string[] | undefined {
  const names = parameterNames(fn);
  return isBound ? names?.slice(1) : names;
}

/** Where the caller of `above` stands in the user's code: `at /proj/tasks.ts:3:27`. */
export function callSite(above: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, above);
  const line = holder.stack?.split('\n').find((text) => text.startsWith('    at '));
  return line?.trim().replace(/^at (?:.*\()?(.*?)\)?$/, 'at $1') ?? 'at an unknown place';
}
