/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all. */
import { wireOptions } from '../canvas/wire-options.ts';
import type { Core } from './app-core.ts';
import type { StandardSchemaV1 } from './schema.ts';
import { checkTaskOptions } from './check-options.ts';
import { createRemote } from './task-handle.ts';
import type { DeclareOptions } from './task-options.ts';
import type { RemoteTask } from './task-types.ts';

/** A task that lives elsewhere: its calls, with the options that were declared. */
export function declareTask(core: Core, name: string, given: DeclareOptions & { readonly args?: StandardSchemaV1<any, any> }): RemoteTask<any, any> {
  checkTaskOptions(name, given);
  const { kwargs, args, ...options } = given;
  const { queue, exchange, routingKey, priority, expires, serializer, deliveryMode, compression, timeLimit, softTimeLimit, ignoreResult } = options;
  const called = { queue, exchange, routingKey, priority, expires, serializer, deliveryMode, compression };
  const limits = wireOptions({ timeLimit: timeLimit ?? null, softTimeLimit: softTimeLimit ?? null });
  core.declared.set(name, {
    options: wireOptions(Object.fromEntries(Object.entries(called).filter(([, value]) => value !== undefined))),
    timeLimit: limits['time_limit'] as number | null,
    softTimeLimit: limits['soft_time_limit'] as number | null,
    ignoreResult: ignoreResult ?? null,
    ...(options.shadowName === undefined ? {} : { shadowName: options.shadowName }),
  });
  const parameters = options.params === undefined ? undefined : { task: name, names: options.params, isDeclared: true };
  return createRemote({ name, parameters, args, kwargs, typing: options.typing ?? core.strictTyping, options: () => options }, core);
}
