import { Consumer, declare } from '../../messaging/consumer.ts';
import type { Service } from '../../kernel/service.ts';
import type { BrokerConnection } from '../../transports/transport.ts';
import { BY_HAND } from '../intake.ts';
import type { WorkerParts } from './parts.ts';
import { watchdog } from './watchdog.ts';

/** Takes messages from the queues. Last in, first out. */
export function consume({ context, intake, runner }: WorkerParts): Service {
  let guard: Disposable | undefined;
  let lease: Disposable | undefined;
  return {
    name: 'consume',
    requires: ['connection', 'pool', 'events', 'heartbeat', 'control', 'delayed-delivery'],
    async start() {
      const { core, clock, link, log, options } = context;
      if (options.purge && context.consumer === undefined) await purge();
      const queues = context.consumer?.queues ?? core.queues.consumeFrom;
      const dog = watchdog(context, (delivery) => intake.receive(delivery, BY_HAND));
      const consumer = new Consumer({
        ...{ link, clock, log, onChannel: newChannel },
        onDelivery(delivery) {
          dog.seen();
          intake.receive(delivery);
        },
      });
      for (const queue of queues) await consumer.add(queue, core.queues.declaration(queue));
      context.consumer = consumer;
      context.applyWindow();
      await consumer.start();
      guard = dog.watch(consumer);
      runner.dispatch();
    },
    async stop() {
      guard?.[Symbol.dispose]();
      guard = undefined;
      lease?.[Symbol.dispose]();
      await context.consumer?.stop();
    },
    info: () => ({ prefetch_count: context.window() }),
  };

  /** What is in hand came by another channel: this one does not count it. */
  function newChannel(connection: BrokerConnection): void {
    if (!context.link.transport.capabilities.holdsOutliveConnection) dropUnstarted();
    lease?.[Symbol.dispose]();
    context.lease = connection.lease;
    lease = connection.lease?.onLost((reason) => {
      context.log.error(`${reason.message}. What has not been started is forgotten; what runs goes on`);
      dropUnstarted();
    });
    context.reservations.newEpoch();
    context.applyWindow();
  }

  /** The broker has given it to others, or will. */
  function dropUnstarted(): void {
    for (const request of context.reservations.unstarted()) runner.drop(request);
  }

  async function purge(): Promise<void> {
    const { core, link, log } = context;
    const channel = await (await link.connection()).openChannel();
    try {
      for (const queue of core.queues.consumeFrom) {
        await declare(channel, core.queues.declaration(queue));
        const count = await channel.purge(queue);
        log.warn(`purged ${count} messages from queue ${queue}`);
      }
    } finally {
      await channel[Symbol.asyncDispose]();
    }
  }
}
