import type { Value } from '../../protocol/json.ts';
import { heartbeatFields } from '../services/heartbeat.ts';
import type { CommandState } from './state.ts';

/** Commands about what the worker tells the world. */
export const eventCommands = {
  enableEvents({ context }: CommandState): Value {
    if (!context.events.isPossible) return { error: 'event dispatcher unavailable' };
    if (context.events.sendsTasks) return { ok: 'task events already enabled' };
    context.events.sendsTasks = true;
    context.log.info('Events of group {task} enabled by remote.');
    return { ok: 'task events enabled' };
  },

  disableEvents({ context }: CommandState): Value {
    if (!context.events.isPossible) return { error: 'event dispatcher unavailable' };
    if (!context.events.sendsTasks) return { ok: 'task events already disabled' };
    context.events.sendsTasks = false;
    context.log.info('Events of group {task} disabled by remote.');
    return { ok: 'task events disabled' };
  },

  /** Monitors ask for it when they start; nobody waits for an answer. */
  heartbeat({ context }: CommandState): undefined {
    context.events.worker('worker-heartbeat', { ...heartbeatFields(context), freq: 5 });
  },
};
