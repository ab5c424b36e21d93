/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import { CallSignature } from '../canvas/call-signature.ts';
import type { Caller } from '../canvas/caller.ts';
import type { Signature } from '../canvas/signature.ts';
import type { Run } from '../execution/env.ts';
import type { Json } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskBody, TaskHeaders } from '../protocol/task-message.ts';
import { nodeOf, handleOf } from '../results/tree.ts';
import type { ResultSource } from '../results/source.ts';
import type { AsyncResult } from '../results/result.ts';
import type { TaskRequest } from './task-context.ts';

/** Header fields that are ours or Celery's; the others are the caller's own. */
const PROTOCOL = new Set(
  (
    'lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin ignore_result ' +
    'replaced_task_nesting stamped_headers stamps compression redelivered'
  ).split(' '),
);

/** What a request is read from; a run, or a message that is not running. */
export type CalledRun = Pick<Run, 'received' | 'children' | 'isEager'>;

/** What a running task may ask of its call, read when asked for. */
export class RunRequest implements TaskRequest {
  readonly #run: CalledRun;
  readonly #body: TaskBody;
  readonly #of: { readonly caller: Caller; readonly source: ResultSource; readonly hostname: string | null };

  constructor(run: CalledRun, body: TaskBody, of: { readonly caller: Caller; readonly source: ResultSource; readonly hostname: string | null }) {
    this.#run = run;
    this.#body = body;
    this.#of = of;
  }

  get #headers(): TaskHeaders {
    return this.#run.received.headers;
  }
  get id(): string {
    return this.#headers.id;
  }
  get task(): string {
    return this.#headers.task;
  }
  get args(): readonly unknown[] {
    return this.#body.args;
  }
  get kwargs(): Readonly<Record<string, unknown>> {
    return this.#body.kwargs;
  }
  get retries(): number {
    return this.#headers.retries;
  }
  get isEager(): boolean {
    return this.#run.isEager;
  }
  get calledDirectly(): boolean {
    return false;
  }
  get eta(): Date | null {
    return dateOf(this.#headers.eta);
  }
  get expires(): Date | null {
    return dateOf(this.#headers.expires);
  }
  get timeLimit(): number | null {
    return this.#headers.timelimit[0];
  }
  get softTimeLimit(): number | null {
    return this.#headers.timelimit[1];
  }
  get hostname(): string | null {
    return this.#of.hostname;
  }
  get origin(): string | null {
    return this.#headers.origin;
  }
  get rootId(): string | null {
    return this.#headers.root_id;
  }
  get parentId(): string | null {
    return this.#headers.parent_id;
  }
  get group(): string | null {
    return this.#headers.group;
  }
  get groupIndex(): number | null {
    return this.#headers.group_index;
  }
  get chord(): Signature<any, unknown> | null {
    const { chord } = this.#body.embed;
    return chord === null ? null : this.#signature(chord);
  }
  get chain(): readonly Signature<any, unknown>[] | null {
    return this.#signatures(this.#body.embed.chain);
  }
  get callbacks(): readonly Signature<any, unknown>[] | null {
    return this.#signatures(this.#body.embed.callbacks);
  }
  get errbacks(): readonly Signature<any, unknown>[] | null {
    return this.#signatures(this.#body.embed.errbacks);
  }
  get children(): readonly AsyncResult<unknown>[] {
    return this.#run.children.map((tuple: Json) => handleOf(nodeOf(tuple), this.#of.source));
  }
  get deliveryInfo(): TaskRequest['deliveryInfo'] {
    const { exchange, routingKey, priority, redelivered } = this.#run.received.deliveryInfo;
    return { exchange, routingKey, priority, redelivered };
  }
  get properties(): Readonly<Record<string, unknown>> {
    return { ...this.#run.received.wire.properties };
  }
  get headers(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(this.#headers).filter(([name]) => !PROTOCOL.has(name)));
  }
  get stamps(): Readonly<Record<string, unknown>> {
    return this.#headers.stamps;
  }
  get stampedHeaders(): readonly string[] {
    return this.#headers.stamped_headers ?? [];
  }
  get replyTo(): string | null {
    return this.#run.received.wire.properties.replyTo ?? null;
  }
  get correlationId(): string | null {
    return this.#run.received.wire.properties.correlationId ?? null;
  }
  get shadow(): string | null {
    return this.#headers.shadow;
  }
  get ignoreResult(): boolean {
    return this.#headers.ignore_result ?? false;
  }
  get replacedTaskNesting(): number {
    return this.#headers.replaced_task_nesting;
  }

  #signature(data: SignatureData): Signature<any, unknown> {
    return new CallSignature(data, this.#of.caller) as unknown as Signature<any, unknown>;
  }

  #signatures(list: readonly SignatureData[] | null): readonly Signature<any, unknown>[] | null {
    return list === null ? null : list.map((data) => this.#signature(data));
  }
}

const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`));

/** The request of a task that was called as a plain function: no message, no worker. */
export function directRequest(task: string): TaskRequest {
  const nothing = { eta: null, expires: null, timeLimit: null, softTimeLimit: null, hostname: null, origin: null, rootId: null, parentId: null };
  const noCanvas = { group: null, groupIndex: null, chord: null, chain: null, callbacks: null, errbacks: null, children: [] };
  const noMessage = { properties: {}, headers: {}, stamps: {}, stampedHeaders: [], replyTo: null, correlationId: null, shadow: null };
  return {
    id: '',
    task,
    args: [],
    kwargs: {},
    retries: 0,
    isEager: false,
    calledDirectly: true,
    ignoreResult: false,
    replacedTaskNesting: 0,
    ...nothing,
    ...noCanvas,
    ...noMessage,
    deliveryInfo: { exchange: '', routingKey: '', priority: null, redelivered: false },
  };
}
