import type { BackendCapabilities } from '../backends/backend.ts';
import type { Json, Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskMessage } from '../protocol/task-message.ts';

/** What must be done to start a workflow, in order. Data, so that a test can read it. */
export interface Plan {
  readonly chords: readonly { readonly groupId: string; readonly size: number; readonly body: SignatureData }[];
  readonly groups: readonly { readonly groupId: string; readonly tree: Json }[];
  readonly publish: readonly PlannedMessage[];
  /** Ids of everything the caller will be able to wait for. */
  readonly result: ResultNode;
  /** What a task that sends this has as its child, where it is not `result`. */
  readonly child?: ResultNode;
}
/** Not yet routed: the app's router has the last word. */
export interface PlannedMessage {
  readonly message: TaskMessage;
  readonly route: RouteOptions;
  /** Nothing was said but arguments: only ids, arguments and their reprs differ from other calls of this task, and a template may write them. */
  readonly isPlain?: boolean;
}
export interface RouteOptions {
  /** The name to route by, where it is not the message's own: a map is routed as the task that it runs. */
  readonly name?: string;
  readonly queue?: string;
  readonly exchange?: string;
  readonly exchangeType?: string;
  readonly routingKey?: string;
  readonly priority?: number;
  readonly deliveryMode?: 1 | 2;
  readonly serializer?: string;
  readonly compression?: string;
  readonly notBeforeMs?: number;
  /** How long the broker may keep it. */
  readonly expirationMs?: number;
  readonly replyTo?: string;
  /** False: once only. */
  readonly retry?: boolean;
  /** kombu's `retry_policy`, in seconds, under its names there. */
  readonly retryPolicy?: ValueMap;
  /** Options that nobody here knows: they travel as message properties. */
  readonly properties?: ValueMap;
}
export type ResultNode = { readonly id: string; readonly parent: ResultNode | null; readonly children: readonly ResultNode[] | null };
export interface CompileContext {
  readonly newId: () => string;
  readonly now: number;
  readonly origin: string;
  /** Decides between chords that are counted and a celery.chord_unlock message. */
  readonly chords: BackendCapabilities['chords'];
  /** The running task, when the call is made inside one. */
  readonly parent?: { readonly id: string; readonly rootId: string; readonly priority: number | null };
  /** What is known here of a task: its own options count where the call says nothing. */
  readonly defaults?: (task: string) => TaskDefaults | undefined;
  /** Where results are to be sent, where they are sent instead of stored (rpc). */
  readonly replyTo?: string | undefined;
  /** `taskAllowErrorCbOnChordHeader`: errbacks of a chain are called by the parts of headers in it too. */
  readonly linksErrorsOnHeader?: boolean;
}
/** A task's own options as calls need them. */
export interface TaskDefaults {
  /** Routing and packing options, under their names in signatures. */
  readonly options: ValueMap;
  /** Seconds. */
  readonly timeLimit: number | null;
  readonly softTimeLimit: number | null;
  /** Null for a task that lives elsewhere and says nothing. */
  readonly ignoreResult: boolean | null;
  readonly shadowName?: (args: readonly Value[], kwargs: ValueMap) => string | undefined;
}
