import { EventDispatcher } from '../../events/dispatcher.ts';
import type { Service } from '../../kernel/service.ts';
import type { BrokerLink } from '../../messaging/link.ts';
import { aborted, withDeadline } from '../deadline.ts';
import type { WorkerParts } from './parts.ts';
import { roadForWords } from './words.ts';

/** How long a start waits for the channel of events. */
const OPEN_MS = 1000;

/** Tells the world what happens here; silent about tasks until somebody asks (`-E`, `enable_events`). */
export function events({ context }: WorkerParts): Service {
  return {
    name: 'events',
    requires: ['connection'],
    async start() {
      const road = await roadForWords(context);
      context.events ??= createDispatcher(road);
      const opening = context.events.open();
      if (road === context.link) return opening;
      // A road of its own may hang where the worker's does not: taking tasks does not wait for it.
      opening.catch((error: unknown) => context.log.warn('events cannot be sent yet', { error }));
      await withDeadline(context.clock, OPEN_MS, (late) => Promise.race([opening.catch(() => undefined), aborted(late)]));
    },
    stop: async () => (context.events as EventDispatcher | undefined)?.close(),
  };

  function createDispatcher(link: BrokerLink): EventDispatcher {
    const { core, clock, hostname, log, options } = context;
    const { eventExchange: exchange, eventSerializer: serializer } = core.settings;
    const { lamport, serializers } = core;
    const dispatcher = new EventDispatcher({ link, clock, log, lamport, serializers, exchange, serializer, hostname, pid: process.pid });
    dispatcher.sendsTasks = options.taskEvents;
    return dispatcher;
  }
}
