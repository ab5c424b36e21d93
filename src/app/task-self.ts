import { placed, sizeOf } from '../canvas/place.ts';
import type { Signature } from '../canvas/signature.ts';
import { mergeOptions } from '../canvas/signature-data.ts';
import { ImproperlyConfigured, Retry, type RetryOptions } from '../errors.ts';
import { currentRun } from '../execution/context.ts';
import type { Run } from '../execution/env.ts';
import { metaOf } from '../execution/metas.ts';
import { Replaced } from '../execution/replace.ts';
import { exhausted, noteMaxRetries } from '../execution/retry.ts';
import type { Logger } from '../kernel/logger.ts';
import { encoded } from '../protocol/json-text.ts';
import type { JsonObject, Value } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskState } from '../protocol/states.ts';
import type { TaskBody } from '../protocol/task-message.ts';
import type { TaskEvent } from '../signals.ts';
import type { Core } from './app-core.ts';
import type { BaseTask, ContextSource } from './base-task.ts';
import type { Celery } from './celery.ts';
import { directRequest, RunRequest } from './request.ts';
import type { TaskContext, TaskRequest } from './task-context.ts';
import type { TaskEntry } from './task-entry.ts';

/** What is made for one run when somebody asks. */
interface RunState {
  readonly self: BaseTask;
  readonly source: TaskSelf;
  readonly body: TaskBody;
  request?: TaskRequest;
  log?: Logger;
}

/** Apps do not know each other, and a run does not know its app: only what was noted here is kept with a run. */
const stateOf = (run: Run): RunState | undefined => run.kept as RunState | undefined;

/** The context of the running task, without `bind`. Undefined outside a task. */
export function currentTask(): TaskContext | undefined {
  const run = currentRun();
  return run === undefined ? undefined : (stateOf(run)?.self as TaskContext | undefined);
}

/** A signal that never aborts: of a task that was called as a plain function. */
const NEVER = new AbortController().signal;

/** The app's side of `self`: everything is asked of the run that the calling code belongs to. */
export class TaskSelf implements ContextSource {
  readonly #entry: TaskEntry;
  readonly #core: Core;

  constructor(entry: TaskEntry, core: Core) {
    this.#entry = entry;
    this.#core = core;
  }

  /** Before anything of it runs. */
  note(run: Run, body: TaskBody, self: BaseTask): void {
    run.kept ??= { self, source: this, body } satisfies RunState;
  }

  /** Whether it is this task, of this app, that runs. */
  isRunning(run: Run): boolean {
    return this.#state(run) !== undefined;
  }

  get taskName(): string {
    return this.#entry.name;
  }
  get task(): TaskContext['task'] {
    return this.#entry.handle as TaskContext['task'];
  }
  get app(): Celery {
    return this.#core.celery;
  }

  get request(): TaskRequest {
    const run = currentRun();
    const state = run === undefined ? undefined : this.#state(run);
    if (run === undefined || state === undefined) return directRequest(this.#entry.name);
    return (state.request ??= new RunRequest(run, state.body, { caller: this.#core.caller, source: this.#core.results, hostname: this.#core.hostname }));
  }

  get signal(): AbortSignal {
    return currentRun()?.signal ?? NEVER;
  }

  get log(): Logger {
    const run = currentRun();
    const state = run === undefined ? undefined : this.#state(run);
    if (run === undefined || state === undefined) return this.#core.log;
    return (state.log ??= boundLogger(() => this.#core.log, run.received.headers));
  }

  /** What signals tell of the running call. */
  event(): TaskEvent {
    return { taskId: this.request.id, task: this.#entry.name, request: this.request };
  }

  retry(options: RetryOptions = {}): never {
    const { run, state } = this.#running('retry');
    if (run === undefined) throw options.exc ?? new Retry(options);
    noteMaxRetries(run, options);
    throw exhausted({ received: run.received, body: state.body, task: this.#entry }, options) ?? new Retry(this.#core.types.pack(options));
  }

  replace<R>(signature: Signature<[], R>): R {
    const data = signature.toJSON() as unknown as SignatureData;
    if (data.subtask_type === 'chain' && (data.kwargs['tasks'] as readonly unknown[]).length === 0) {
      throw new ImproperlyConfigured('a task cannot be replaced by an empty chain');
    }
    throw new Replaced(this.#core.types.pack(data));
  }

  async addToChord(signature: Signature<[], unknown>): Promise<void> {
    const { run, state } = this.#running('addToChord');
    const headers = run?.received.headers;
    if (run === undefined || headers === undefined || headers.group === null || state.body.embed.chord === null) {
      throw new ImproperlyConfigured(`${this.#entry.name} is no part of a chord: there is nothing to add to`);
    }
    const data = signature.toJSON() as unknown as SignatureData;
    const { group, group_index, root_id } = headers;
    // Its value stands beside this task's own, as in Celery; a workflow is a part by its end.
    const place = { group_id: group, group_index: group_index ?? undefined, chord: state.body.embed.chord };
    const part = placed(mergeOptions(data, { root_id }), place);
    await run.host.growChord(group, sizeOf(part));
    await this.#core.caller.start(part, {});
  }

  async updateState(update: { readonly state?: TaskState; readonly meta?: unknown; readonly taskId?: string }): Promise<void> {
    const { run } = this.#running('updateState');
    if (run === undefined) throw new ImproperlyConfigured('updateState: this task was called as a function, so it has no id; give taskId');
    const recorded = { status: update.state ?? 'PENDING', result: encoded(this.#core.types.pack((update.meta ?? null) as Value)), children: run.children };
    const settings = this.#core.settings;
    const meta = await metaOf(run.received, recorded, {
      clock: this.#core.clock,
      resultExtended: settings.resultExtended,
      hostname: this.#core.hostname ?? '',
    });
    await run.host.saveState(update.taskId === undefined ? meta : { ...meta, task_id: update.taskId });
  }

  progress(done: number, total?: number, note?: string): Promise<void> {
    return this.updateState({ state: 'PROGRESS', meta: { done, ...(total === undefined ? {} : { total }), ...(note === undefined ? {} : { note }) } });
  }

  sendEvent(type: `task-${string}`, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { run } = this.#running('sendEvent');
    (run?.host ?? this.#core.host).emit(type, { ...(run === undefined ? {} : { uuid: run.received.headers.id }), ...fields } as JsonObject);
    return Promise.resolve();
  }

  #state(run: Run): RunState | undefined {
    const state = stateOf(run);
    return state?.source === this ? state : undefined;
  }

  #running(method: string): { readonly run: Run; readonly state: RunState } | { readonly run: undefined; readonly state: undefined } {
    const run = currentRun();
    if (run === undefined) return { run, state: undefined };
    const state = this.#state(run);
    if (state === undefined)
      throw new ImproperlyConfigured(`${method}() of ${this.#entry.name} was called while ${run.received.headers.task} runs: use the self of that task`);
    return { run, state };
  }
}

/** Names the task in every line, as Celery's task logger does. */
function boundLogger(log: () => Logger, { task, id }: { readonly task: string; readonly id: string }): Logger {
  const line = (level: Exclude<keyof Logger, 'isEnabled'>) => (message: string, data?: object) => log()[level](`${task}[${id}]: ${message}`, data);
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), critical: line('critical') };
}
