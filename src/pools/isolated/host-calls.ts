import type { TaskHost } from '../../execution/host.ts';
import { unpackDispatch, unpackMeta, type HostCall } from '../ipc.ts';

/** Carries out a child's call on the parent's own connections. Calls are begun in the order they came; each is answered when it is done. */
export function carryOut(host: TaskHost, call: HostCall, answer: (error?: unknown) => void): void {
  let done: Promise<void>;
  try {
    done = begin(host, call);
  } catch (error) {
    return answer(error);
  }
  done.then(() => answer(), answer);
}

function begin(host: TaskHost, call: HostCall): Promise<void> {
  switch (call.name) {
    case 'dispatch':
      return host.dispatch(unpackDispatch(call.json));
    case 'saveState':
      return host.saveState(unpackMeta(call.json), call.replyTo);
    case 'growChord':
      return host.growChord(call.groupId, call.by);
  }
}
