import type { Value, ValueMap } from '../../protocol/json.ts';
import type { Request } from '../request.ts';

/** A request as `inspect active` shows it, field by field as Celery's. A body that cannot be read shows as the sender described it. */
export async function requestInfo(request: Request, hostname: string, options: { readonly asText?: boolean } = {}): Promise<ValueMap> {
  const { deliveryInfo, headers } = request.received;
  const { args, kwargs } = await argumentsOf(request, options.asText === true);
  return {
    id: headers.id,
    name: headers.task,
    args,
    kwargs,
    type: headers.task,
    hostname,
    time_start: request.startedAtMs === null ? null : request.startedAtMs / 1000,
    acknowledged: request.isSettled,
    delivery_info: {
      exchange: deliveryInfo.exchange,
      routing_key: deliveryInfo.routingKey,
      priority: deliveryInfo.priority ?? 0,
      redelivered: deliveryInfo.redelivered,
    },
    worker_pid: request.pid,
  };
}

async function argumentsOf({ received }: Request, asText: boolean): Promise<{ readonly args: Value; readonly kwargs: Value }> {
  const described = { args: received.headers.argsrepr, kwargs: received.headers.kwargsrepr };
  if (asText) return described;
  try {
    const { args, kwargs } = await received.body();
    return { args, kwargs };
  } catch {
    return described;
  }
}
