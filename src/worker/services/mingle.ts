import { broadcast } from '../../app/broadcast.ts';
import type { Service } from '../../kernel/service.ts';
import type { ValueMap } from '../../protocol/json.ts';
import { revokedIds } from '../revoked.ts';
import type { WorkerParts } from './parts.ts';

/** How long the next answer may take, in seconds. */
const PATIENCE_S = 0.5;

/**
 * A new worker asks the others what is revoked, and sets its clock by theirs (Celery's mingle). Unlike Celery's it does not keep the worker waiting: answers come within
 * milliseconds, and what somebody has revoked is as a rule due later.
 */
export function mingle({ context }: WorkerParts): Service {
  let asking: AbortController | undefined;
  return {
    name: 'mingle',
    requires: ['control'],
    start() {
      const { core, hostname, link, log, revoked } = context;
      if (link.transport.capabilities.broadcast === false) return Promise.resolve();
      const { signal } = (asking = new AbortController());
      const hello = { method: 'hello', args: { from_node: hostname, revoked: revoked.ids.values() }, reply: true };
      broadcast(core, hello, { timeout: PATIENCE_S, signal }).then(
        (answers) => {
          for (const [node, answer] of Object.entries(answers)) {
            const { clock, revoked: ids } = (answer ?? {}) as ValueMap;
            if (node === hostname) continue;
            revoked.add(revokedIds(ids));
            if (typeof clock === 'number') core.lamport.adjust(clock);
          }
        },
        (error: unknown) => signal.aborted || log.warn('could not ask the other workers what is revoked', { error }),
      );
      return Promise.resolve();
    },
    stop() {
      asking?.abort(new Error('the worker stops'));
      return Promise.resolve();
    },
  };
}
