import { bindToLadder, declareLadder } from '../../messaging/delayed-delivery.ts';
import type { Service } from '../../kernel/service.ts';
import type { WorkerParts } from './parts.ts';

/** Where queues are quorum queues, tasks with an eta wait in RabbitMQ: declares what they wait in, and the way from there to our queues. */
export function delayedDelivery({ context }: WorkerParts): Service {
  return {
    name: 'delayed-delivery',
    requires: ['connection'],
    async start() {
      const { core, link, log } = context;
      const { queues, settings } = core;
      if (link.transport.capabilities.delayedDelivery !== 'ladder' || !settings.workerDetectQuorumQueues || !queues.hasQuorum) return;
      const channel = await (await link.connection()).openChannel();
      try {
        await declareLadder(channel, settings.brokerNativeDelayedDeliveryQueueType);
        for (const name of queues.consumeFrom) {
          const declaration = queues.declaration(name);
          if (declaration.exchange !== undefined) await channel.declareExchange(declaration.exchange);
          if (declaration.queue !== undefined) await channel.declareQueue(declaration.queue);
          if (await bindToLadder(channel, declaration)) continue;
          log.warn(
            `tasks for the queue ${name} wait for their eta in the worker, not in RabbitMQ: its exchange is direct. Native delayed delivery needs a topic exchange (taskDefaultExchangeType, or exchangeType in taskQueues)`,
          );
        }
      } finally {
        await channel[Symbol.asyncDispose]();
      }
    },
    stop: () => Promise.resolve(),
  };
}
