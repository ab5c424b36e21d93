/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { List } from '../canvas/sendable.ts';
import type { SettingsInput } from '../config/settings/index.ts';
import type { AsyncResult } from '../results/result.ts';
import { Celery } from './celery.ts';
import type { NamedTask, RemoteTask, TaskContract } from './task-types.ts';

type NamesIn<T> = { [K in keyof T]: T[K] extends NamedTask<infer N, any, any> ? N : never }[keyof T] & string;
type Offered<T> = [NamesIn<T>] extends [never] ? '(none of these tasks has an explicit name)' : NamesIn<T>;
type TaskNamed<T, N> = { [K in keyof T]: T[K] extends NamedTask<N & string, infer A, infer R> ? RemoteTask<A, R> : never }[keyof T];

/** A producer that knows the tasks of a module by type only. Tasks are found by their wire name. */
export interface Client<T> extends AsyncDisposable {
  task<N extends Offered<T>>(name: N): TaskNamed<T, N>;
  declare<A extends List, R>(contract: TaskContract<A, R>): RemoteTask<A, R>;
  sendTask: Celery['sendTask'];
  AsyncResult<R = unknown>(id: string): AsyncResult<R>;
  close(): Promise<void>;
}

/** A producer without any code of the worker: `createClient<typeof tasks>({ broker })`. */
// oxlint-disable-next-line typescript/no-empty-object-type
export function createClient<T = {}>(options: { readonly broker: string | readonly string[]; readonly backend?: string } & SettingsInput): Client<T> {
  const app = new Celery('client', options);
  const known = new Map<string, RemoteTask<any, any>>();
  const task = (name: string): RemoteTask<any, any> => {
    const declared = known.get(name) ?? app.declare(name);
    known.set(name, declared);
    return declared;
  };
  return {
    task: task as unknown as Client<T>['task'],
    declare: (contract) => app.declare(contract),
    sendTask: app.sendTask.bind(app) as Celery['sendTask'],
    AsyncResult: (id) => app.AsyncResult(id),
    close: () => app.close(),
    [Symbol.asyncDispose]: () => app.close(),
  };
}
