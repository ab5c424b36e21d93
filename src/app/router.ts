import type { ApplyOptions, RouteOptions } from '../canvas/call-options.ts';
import type { RouteOptions as PlannedRoute } from '../canvas/plan.ts';
import type { List } from '../canvas/sendable.ts';
import { wireOptions } from '../canvas/wire-options.ts';
import type { Settings } from '../config/settings/index.ts';
import { globPattern } from './patterns.ts';
import { Queue } from '../messaging/entities.ts';
import type { Declaration, OutgoingMessage } from '../messaging/outgoing.ts';
import type { ValueMap } from '../protocol/json.ts';
import type { Queues } from './queues.ts';

/** A queue name, or the options to publish with. */
export type Route = string | RouteOptions;
export type Router = (name: string, args: List, kwargs: Readonly<Record<string, unknown>>, options: ApplyOptions) => Route | null | undefined;
/** By exact name or glob; for regular expressions and functions, a list. */
export type TaskRoutes =
  | Readonly<Record<string, Route>>
  | Router
  | readonly (Readonly<Record<string, Route>> | readonly [pattern: string | RegExp, route: Route] | Router)[];

/** A call on its way, as routers see it. */
export interface RoutedCall {
  readonly name: string;
  readonly args: List;
  readonly kwargs: ValueMap;
  readonly route: PlannedRoute;
}

/** Where a message goes, and what must be declared before. */
export interface Destination {
  readonly route: PlannedRoute;
  readonly queue: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly declare: Declaration | undefined;
  readonly deliveryMode: 1 | 2;
  /** An eta waits in the broker, where that can. */
  readonly delay?: OutgoingMessage['delay'];
}

type Lookup = (call: RoutedCall) => Route | null | undefined;

/** Decides by Celery's rules: what the call and its task say counts, `taskRoutes` fill in what is missing, then the default queue. */
export class CallRouter {
  readonly #settings: Readonly<Settings>;
  readonly #queues: Queues;
  readonly #lookups: readonly Lookup[];
  /** Routes go by the name alone: one decision holds for all calls of a task that say nothing. */
  readonly goesByName: boolean;

  constructor(settings: Readonly<Settings>, queues: Queues) {
    this.#settings = settings;
    this.#queues = queues;
    const routes = settings.taskRoutes;
    const list = routes === null || routes === undefined ? [] : Array.isArray(routes) && !isPair(routes) ? (routes as readonly unknown[]) : [routes];
    this.#lookups = list.map(lookupOf);
    this.goesByName = !list.some((entry) => typeof entry === 'function');
  }

  destination(call: RoutedCall): Destination {
    const route = this.#withRoutes(call);
    const named = route.queue ?? (route.exchange === undefined ? this.#queues.defaultName : undefined);
    const queue = named === undefined ? undefined : this.#queues.get(named);
    const { taskDefaultDeliveryMode, taskDefaultExchange, taskDefaultRoutingKey } = this.#settings;
    const deliveryMode = modeOf(route.deliveryMode ?? queue?.exchange.options.deliveryMode ?? taskDefaultDeliveryMode);
    const declare = named === undefined ? undefined : this.#queues.publishingDeclaration(named);
    const type = route.exchangeType ?? queue?.exchange.type ?? this.#queues.exchangeType(route.exchange);
    const isUnsaid = route.exchange === undefined && route.routingKey === undefined;
    // A queue behind a direct exchange is reached by the default exchange, under its own name.
    if (queue instanceof Queue && isUnsaid && type === 'direct')
      return { route, queue: queue.name, exchange: '', routingKey: queue.name, declare, deliveryMode };
    const exchange = route.exchange ?? queue?.exchange.name ?? taskDefaultExchange ?? '';
    const ownKey = queue instanceof Queue ? queue.routingKey : queue === undefined ? undefined : '';
    const routingKey = route.routingKey ?? ownKey ?? taskDefaultRoutingKey ?? '';
    return { route, queue: queue?.name, exchange, routingKey, declare, deliveryMode, ...this.#delay(route, type) };
  }

  /** Celery's rule: one quorum queue is enough for all of them, and direct exchanges cannot. */
  #delay({ notBeforeMs }: PlannedRoute, exchangeType: string | undefined): Pick<Destination, 'delay'> {
    if (notBeforeMs === undefined || exchangeType === undefined || exchangeType === 'direct' || !this.#queues.hasQuorum) return {};
    return { delay: { queueType: this.#settings.brokerNativeDelayedDeliveryQueueType } };
  }

  #withRoutes(call: RoutedCall): PlannedRoute {
    for (const lookup of this.#lookups) {
      const found = lookup(call);
      if (found === undefined || found === null) continue;
      const wire = typeof found === 'string' ? { queue: found } : wireOptions(found);
      if (typeof found === 'object' && found.queue instanceof Queue) this.#queues.add(found.queue);
      return { ...plannedRoute(wire), ...call.route };
    }
    return call.route;
  }
}

/** Routing options under their names in signatures, as a plan has them. */
export function plannedRoute(wire: ValueMap): PlannedRoute {
  const { queue, exchange, exchange_type, routing_key, priority, delivery_mode, serializer, compression, ...properties } = wire;
  const own = { queue, exchange, exchangeType: exchange_type, routingKey: routing_key, priority, deliveryMode: delivery_mode, serializer, compression };
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined && value !== null)) as PlannedRoute;
  return Object.keys(properties).length === 0 ? said : { ...said, properties };
}

const isPair = (routes: readonly unknown[]): boolean => routes.length === 2 && (typeof routes[0] === 'string' || routes[0] instanceof RegExp);

function lookupOf(entry: unknown): Lookup {
  if (typeof entry === 'function') return (call) => (entry as Router)(call.name, call.args, call.kwargs, call.route as ApplyOptions);
  if (Array.isArray(entry)) {
    const [pattern, route] = entry as unknown as readonly [string | RegExp, Route];
    const matches = pattern instanceof RegExp ? pattern : globPattern(pattern);
    return (call) => (matches.test(call.name) ? route : undefined);
  }
  const table = entry as Readonly<Record<string, Route>>;
  const globs = Object.entries(table)
    .filter(([name]) => /[*?[]/.test(name))
    .map(([glob, route]) => [globPattern(glob), route] as const);
  return (call) => (Object.hasOwn(table, call.name) ? table[call.name] : globs.find(([pattern]) => pattern.test(call.name))?.[1]);
}

const modeOf = (mode: unknown): 1 | 2 => (mode === 1 || mode === 'transient' ? 1 : 2);
