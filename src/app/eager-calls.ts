import type { ResultBackend } from '../backends/backend.ts';
import type { EagerOptions } from '../canvas/call-options.ts';
import { compile } from '../canvas/compile.ts';
import { expanded } from '../canvas/kinds.ts';
import { planCall } from '../canvas/plan-call.ts';
import { withLinks } from '../canvas/links.ts';
import { isNone, mergeOptions, prepend, stepsOf } from '../canvas/signature-data.ts';
import { flatSteps } from '../canvas/steps.ts';
import { ImproperlyConfigured, NotRegistered } from '../errors.ts';
import { eagerMessage, runEagerly } from '../execution/eager.ts';
import type { ExecutionEnv } from '../execution/env.ts';
import { thrownBy } from '../execution/run-task.ts';
import { newId } from '../kernel/ids.ts';
import { decodeJson } from '../protocol/json-text.ts';
import type { JsonObject, Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { encodeTaskBody, readTaskBody } from '../protocol/task-message.ts';
import { EagerHandle } from '../results/eager-result.ts';
import type { EagerResult } from '../results/result.ts';
import type { Core } from './app-core.ts';
import { packed } from './encode.ts';
import { errorFrom } from './hooks.ts';

/** Calls run here and now, without a broker: `apply()`, and everything with `taskAlwaysEager`. */
export class EagerCalls {
  readonly #core: Core;
  #memory: Promise<ResultBackend> | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  async apply(given: SignatureData, options: EagerOptions): Promise<EagerResult<unknown>> {
    await this.#core.loading;
    const signature = expanded(given);
    switch (signature.subtask_type) {
      case null:
        return signature.task === 'celery.chunks' ? this.#applyGroup(chunksOf(signature), options) : this.#applyTask(signature, options);
      case 'chain':
        return this.#applyChain(signature, options);
      case 'group':
        return this.#applyGroup(signature, options);
      case 'chord':
        return this.#applyChord(signature, options);
      default:
        throw new ImproperlyConfigured(`a signature of the kind ${JSON.stringify(signature.subtask_type)} cannot be applied here`);
    }
  }

  /** Each step with the value of the one before; the first that has none to give ends it. */
  async #applyChain(signature: SignatureData, options: EagerOptions): Promise<EagerResult<unknown>> {
    let last: EagerResult<unknown> | undefined;
    const steps = flatSteps(signature);
    for (const [index, step] of steps.entries()) {
      const called = last === undefined ? prepend(step, signature.args) : prepend(step, [(await last.get()) as Value]);
      const linked = index === steps.length - 1 ? mergeOptions(called, given(signature.options, 'link')) : called;
      last = await this.apply(linked, options);
      if (!(await last.successful())) return last;
    }
    return last ?? new EagerHandle<unknown>(newId(), { state: 'SUCCESS', value: null });
  }

  async #applyGroup(signature: SignatureData, options: EagerOptions): Promise<EagerResult<unknown>> {
    const values: unknown[] = [];
    for (const member of stepsOf(signature.kwargs['tasks'])) {
      const ended = await this.apply(withLinks(prepend(member, signature.args), given(signature.options, 'link')), options);
      const value = await ended.get({ propagate: false });
      if (value instanceof Error) return new EagerHandle<unknown>(newId(), { state: 'FAILURE', error: value });
      values.push(value);
    }
    return new EagerHandle<unknown>((signature.options['task_id'] as string | undefined) ?? newId(), { state: 'SUCCESS', value: values });
  }

  async #applyChord(signature: SignatureData, options: EagerOptions): Promise<EagerResult<unknown>> {
    const { header, body } = signature.kwargs;
    const members = Array.isArray(header) ? stepsOf(header) : stepsOf(stepsOf(header)[0]!.kwargs['tasks']);
    const { link: _, ...forHeader } = signature.options;
    const group = { ...signature, subtask_type: 'group', kwargs: { tasks: members }, options: forHeader };
    const ended = await this.#applyGroup(group, options);
    if (!(await ended.successful())) return ended;
    return this.apply(prepend(withLinks(stepsOf(body)[0]!, given(signature.options, 'link')), [(await ended.get()) as Value]), options);
  }

  async #applyTask(signature: SignatureData, options: EagerOptions): Promise<EagerResult<unknown>> {
    const core = this.#core;
    const task = core.registry.get(signature.task);
    if (task === undefined) throw new NotRegistered(`there is no task ${JSON.stringify(signature.task)} in this app: it cannot be run here`);
    const own: ValueMap = {
      ...signature.options,
      ...(options.taskId === undefined ? {} : { task_id: options.taskId }),
      ...(options.retries === undefined ? {} : { retries: options.retries }),
      ...(options.headers === undefined ? {} : { headers: options.headers as JsonObject }),
    };
    const context = { newId, now: core.clock.now(), origin: core.origin, chords: 'none' as const, defaults: () => task.defaults };
    const { message } = planCall({ ...signature, options: own }, context);
    // As if it had travelled, so that what cannot travel fails here too.
    const body = readTaskBody(decodeJson(encodeTaskBody(packed(message, core.types))));
    const received = eagerMessage(message.headers, body);
    const replaced: { result: EagerResult<unknown> | undefined } = { result: undefined };
    const env = await this.#env(message.headers.id, replaced);
    const { outcome } = await runEagerly(received, task, { host: core.host, env, storesResult: core.settings.taskStoreEagerResult });
    if (outcome.state === 'REPLACED' && replaced.result !== undefined) return replaced.result;
    if (outcome.state === 'SUCCESS')
      return new EagerHandle<unknown>(message.headers.id, { state: 'SUCCESS', value: core.types.unpack(decodeJson(outcome.valueJson)) });
    if (!('error' in outcome)) return new EagerHandle<unknown>(message.headers.id, { state: outcome.state });
    const thrown = thrownBy(outcome);
    const error = thrown instanceof Error ? thrown : errorFrom(outcome.error, core);
    if (outcome.state === 'FAILURE' && (options.throw ?? core.settings.taskEagerPropagates)) throw error;
    const state = outcome.state === 'REJECTED' && !outcome.requeue ? 'FAILURE' : outcome.state;
    return new EagerHandle<unknown>(message.headers.id, { state, error, traceback: outcome.error.traceback });
  }

  /** Finishing as in a worker. Without `taskStoreEagerResult` the store is one of this process's own, which nobody else sees. */
  async #env(id: string, replaced: { result: EagerResult<unknown> | undefined }): Promise<ExecutionEnv> {
    const core = this.#core;
    const backend = core.settings.taskStoreEagerResult ? await core.backend() : await (this.#memory ??= core.openBackend('memory://'));
    return {
      ...core.environment(backend, core.origin),
      start: async (signature, because, result) => {
        const isReplacement = signature.options['task_id'] === id;
        if (!isReplacement && !core.settings.taskAlwaysEager) return core.starter.follow(signature, because, result);
        const ended = await this.apply(result === undefined ? signature : prepend(signature, [result.value()]), {
          throw: false,
          ...(isReplacement ? { taskId: id } : {}),
        });
        if (isReplacement) replaced.result = ended;
        return ended.toJSON();
      },
    };
  }
}

const given = (options: ValueMap, name: string): ValueMap => (isNone(options[name]) ? {} : { [name]: options[name] });

/** A call of `celery.chunks` as the group that it stands for. */
function chunksOf(signature: SignatureData): SignatureData {
  const plan = compile(signature, { newId, now: 0, origin: '', chords: 'none' });
  const tasks = plan.publish.map(({ message }) => ({ ...signature, task: message.headers.task, kwargs: message.kwargs, options: {} }));
  return { ...signature, task: 'celery.group', subtask_type: 'group', kwargs: { tasks } };
}
