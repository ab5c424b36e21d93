import type { CommandArgs } from '../../control/commands.ts';
import type { Value, ValueMap } from '../../protocol/json.ts';
import type { ExchangeType } from '../../transports/transport.ts';
import type { Declaration } from '../../messaging/outgoing.ts';
import type { WorkerContext } from '../context.ts';
import type { CommandState } from './state.ts';

/** Commands about the queues that the worker consumes from. */
export const queueCommands = {
  activeQueues({ context }: CommandState): Value {
    return (context.consumer?.queues ?? []).map((queue) => queueInfo(queue, declarationOf(context, queue)));
  },

  async addConsumer({ context }: CommandState, args: CommandArgs<'addConsumer'>): Promise<Value> {
    const { queue } = args;
    context.core.queues.select([queue]);
    await context.consumer?.add(
      queue,
      args.exchange === undefined && args.routingKey === undefined ? context.core.queues.declaration(queue) : customDeclaration(context, args),
    );
    context.log.info(`Started consuming from ${queue}`);
    return { ok: `add consumer ${queue}` };
  },

  async cancelConsumer({ context }: CommandState, { queue }: CommandArgs<'cancelConsumer'>): Promise<Value> {
    context.core.queues.deselect([queue]);
    await context.consumer?.remove(queue);
    context.log.info(`Cancelled consuming from ${queue}`);
    return { ok: `no longer consuming from ${queue}` };
  },
};

const declarationOf = (context: WorkerContext, queue: string): Declaration => context.core.queues.declaration(queue);

/** A queue of that name, on the exchange that was asked for. */
function customDeclaration(context: WorkerContext, { queue, exchange, exchangeType, routingKey }: CommandArgs<'addConsumer'>): Declaration {
  const base = context.core.queues.declaration(queue);
  const name = exchange ?? queue;
  const type = (exchangeType ?? 'direct') as ExchangeType;
  const spec = { name, type, durable: true, autoDelete: false, arguments: {} };
  return { queue: base.queue, exchange: spec, bindings: [{ queue, exchange: name, routingKey: routingKey ?? queue, arguments: {} }] };
}

/** Kombu's description of a queue, as far as tools look at it. */
function queueInfo(name: string, { exchange, queue, bindings }: Declaration): ValueMap {
  return {
    name,
    exchange: {
      name: exchange?.name ?? '',
      type: exchange?.type ?? 'direct',
      arguments: exchange?.arguments ?? null,
      durable: exchange?.durable ?? true,
      passive: false,
      auto_delete: exchange?.autoDelete ?? false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: bindings[0]?.routingKey ?? name,
    queue_arguments: queue?.arguments ?? null,
    binding_arguments: null,
    consumer_arguments: null,
    durable: queue?.durable ?? true,
    exclusive: queue?.exclusive ?? false,
    auto_delete: queue?.autoDelete ?? false,
    no_ack: false,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: null,
  };
}
