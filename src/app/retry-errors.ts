import type { ErrorClass } from '../canvas/call-options.ts';
import type { TaskHost } from '../execution/host.ts';

/** A host by which messages leave with further errors to try again after: classes cannot be written down in a signature. */
export function alsoRetrying(host: TaskHost, retryErrors: readonly ErrorClass[]): TaskHost {
  return {
    dispatch: ({ messages, ...others }) =>
      host.dispatch({
        ...others,
        messages: messages.map((message) => (message.retryPolicy ? { ...message, retryPolicy: { ...message.retryPolicy, retryErrors } } : message)),
      }),
    saveState: (meta, replyTo) => host.saveState(meta, replyTo),
    growChord: (groupId, by) => host.growChord(groupId, by),
    emit: (type, fields) => host.emit(type, fields),
    idle: () => host.idle(),
  };
}
