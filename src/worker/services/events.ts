import { EventDispatcher } from '../../events/dispatcher.ts';
import type { Service } from '../../kernel/service.ts';
import type { WorkerParts } from './parts.ts';

/** Tells the world what happens here; silent about tasks until somebody asks (`-E`, `enable_events`). */
export function events({ context }: WorkerParts): Service {
  return {
    name: 'events',
    requires: ['connection'],
    async start() {
      context.events ??= createDispatcher();
      await context.events.open();
    },
    stop: async () => (context.events as EventDispatcher | undefined)?.close(),
  };

  function createDispatcher(): EventDispatcher {
    const { core, clock, hostname, link, log, options } = context;
    const { eventExchange: exchange, eventSerializer: serializer } = core.settings;
    const { lamport, serializers } = core;
    const dispatcher = new EventDispatcher({ link, clock, log, lamport, serializers, exchange, serializer, hostname, pid: process.pid });
    dispatcher.sendsTasks = options.taskEvents;
    return dispatcher;
  }
}
