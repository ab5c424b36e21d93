import type { BackendCapabilities } from '../backends/backend.ts';
import type { Json } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { TaskMessage } from '../protocol/task-message.ts';
/** What must be done to start a workflow, in order. Data, so that a test can read it. */
export interface Plan {
  readonly chords: readonly { readonly groupId: string; readonly size: number; readonly body: SignatureData }[];
  readonly groups: readonly { readonly groupId: string; readonly tree: Json }[];
  readonly publish: readonly PlannedMessage[];
  /** Ids of everything the caller will be able to wait for. */
  readonly result: ResultNode;
}
/** Not yet routed: the app's router has the last word. */
export interface PlannedMessage {
  readonly message: TaskMessage;
  readonly route: RouteOptions;
}
export interface RouteOptions {
  readonly queue?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly priority?: number;
  readonly serializer?: string;
  readonly compression?: string;
  readonly notBeforeMs?: number;
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
}
