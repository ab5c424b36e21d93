import type { JsonObject } from '../protocol/json.ts';
import type { Plan } from '../canvas/compile.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';
import type { OutgoingMessage } from '../messaging/outgoing.ts';
/**
 * How running code reaches broker and results, from wherever it runs. In the worker's own process (async, solo, eager) this is the app's producer
 * and backend. In a child or thread the same four calls go to the parent, in order, a batch a tick: children hold no connection.
 */
export interface TaskHost {
  /** Carries out a plan that is routed and encoded already: chords, groups, messages. Resolves when the broker has them all. */
  dispatch(dispatch: Dispatch): Promise<void>;
  /** STARTED, updateState, progress. Reaches the store before the outcome does; `replyTo` is the caller's address, for stores that send results. */
  saveState(meta: ResultMeta, replyTo?: string): Promise<void>;
  growChord(groupId: string, by: number): Promise<void>;
  /** task-sent, self.sendEvent. Dropped while nobody asked for events. */
  emit(type: string, fields: JsonObject): void;
  /** Resolves when every call above has been answered. run-task waits for it before it reports, so a forgotten await loses nothing. */
  idle(): Promise<void>;
}
export interface Dispatch extends Pick<Plan, 'chords' | 'groups'> {
  readonly messages: readonly OutgoingMessage[];
}
