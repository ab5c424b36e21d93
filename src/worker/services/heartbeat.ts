import { loadavg, type } from 'node:os';
import { packageVersion } from '../../app/report.ts';
import type { Service } from '../../kernel/service.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { WorkerContext } from '../context.ts';
import type { WorkerParts } from './parts.ts';

/** Celery's own period. Monitors believe a worker dead after two of them. */
export const HEARTBEAT_SECONDS = 2;

/** Says that the worker is alive: online, every two seconds, offline. */
export function heartbeat({ context }: WorkerParts): Service {
  let timer: Disposable | undefined;
  return {
    name: 'heartbeat',
    requires: ['events'],
    start() {
      context.events.worker('worker-online', heartbeatFields(context));
      next();
      return Promise.resolve();
    },
    stop() {
      timer?.[Symbol.dispose]();
      if (timer !== undefined) context.events.worker('worker-offline', heartbeatFields(context));
      timer = undefined;
      return Promise.resolve();
    },
  };

  function next(): void {
    timer = context.clock.schedule(HEARTBEAT_SECONDS * 1000, () => {
      context.events.worker('worker-heartbeat', heartbeatFields(context));
      if (context.core.signals.has('heartbeatSent')) void context.core.signals.emit('heartbeatSent', { hostname: context.hostname });
      next();
    });
  }
}

const VERSION = packageVersion();

export function heartbeatFields({ counters, reservations }: WorkerContext): JsonObject {
  return {
    freq: HEARTBEAT_SECONDS,
    active: reservations.count('running'),
    processed: counters.processed,
    loadavg: loadavg().map((load) => Math.round(load * 100) / 100),
    sw_ident: 'celeriac',
    sw_ver: VERSION,
    sw_sys: type(),
  };
}
