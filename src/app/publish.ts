import type { ApplyOptions } from '../canvas/call-options.ts';
import type { Plan, PlannedMessage } from '../canvas/plan.ts';
import type { TaskHost } from '../execution/host.ts';
import type { OutgoingMessage } from '../messaging/outgoing.ts';
import type { JsonObject, Value, ValueMap } from '../protocol/json.ts';
import { taskBodyValue, type TaskHeaders } from '../protocol/task-message.ts';
import type { Core } from './app-core.ts';
import { encodeCall, propertiesOf, retryPolicyOf } from './encode.ts';
import { wrap, type PublishCall } from './middleware.ts';
import { CallRouter, type Destination } from './router.ts';
import { MessageTemplate } from './template.ts';

/** Templates for tasks beyond so many are forgotten: names may come from users (`sendTask`). */
const MAX_TEMPLATES = 2000;

/** What is sent of a plan. */
export type Sent = Pick<Plan, 'chords' | 'groups' | 'publish'>;

/** Routes and encodes plans, with everything that may listen or change a message on its way out. */
export class Publisher {
  readonly #core: Core;
  readonly #templates = new Map<string, MessageTemplate>();
  #router: CallRouter | undefined;
  #version = -1;

  constructor(core: Core) {
    this.#core = core;
  }

  dispatch(plan: Sent, host: TaskHost, { isFollowUp = false }: { readonly isFollowUp?: boolean } = {}): Promise<void> {
    const { chords, groups, publish } = plan;
    if (this.#core.middlewares.publishing.length > 0) return this.#dispatchWrapped(plan, host, isFollowUp);
    const made = publish.map((planned) => this.outgoing(planned, isFollowUp));
    const isListened = this.#core.signals.has('afterTaskPublish') || this.#core.settings.taskSendSentEvent;
    if (!made.some((message) => message instanceof Promise)) {
      const messages = made as readonly OutgoingMessage[];
      const sent = host.dispatch({ chords, groups, messages });
      return isListened ? sent.then(() => this.#told(messages, host)) : sent;
    }
    return Promise.all(made).then((messages) => host.dispatch({ chords, groups, messages }).then(() => this.#told(messages, host)));
  }

  /** A message routed and encoded; a promise where a listener or a codec takes its time. */
  outgoing(planned: PlannedMessage, isFollowUp = false): OutgoingMessage | Promise<OutgoingMessage> {
    const router = this.#currentRouter();
    const { headers, args, kwargs } = planned.message;
    const isListened = this.#core.signals.has('beforeTaskPublish');
    if (planned.isPlain === true && !isFollowUp && !isListened && router.goesByName && this.#core.types.isEmpty) {
      const template = this.#templates.get(headers.task) ?? this.#template(planned, router);
      if (template !== undefined) return template.outgoing(planned);
    }
    const destination = router.destination({ name: planned.route.name ?? headers.task, args, kwargs, route: planned.route });
    const routed = isFollowUp ? bounded(destination, this.#core.settings.taskPublishRetryPolicy.maxRetries) : destination;
    if (isListened) return this.#heard(planned, routed).then(([changed, place]) => encodeCall(changed, place, this.#core));
    return encodeCall(planned, routed, this.#core);
  }

  #template(planned: PlannedMessage, router: CallRouter): MessageTemplate | undefined {
    const { settings } = this.#core;
    const { task } = planned.message.headers;
    const destination = router.destination({ name: task, args: [], kwargs: {}, route: planned.route });
    const { route } = destination;
    const compression = route.compression ?? settings.taskCompression ?? undefined;
    if ((route.serializer ?? settings.taskSerializer) !== 'json' || compression !== undefined) return undefined;
    const template = new MessageTemplate(planned, destination, {
      retryPolicy: retryPolicyOf(route, settings),
      properties: propertiesOf(destination, settings),
    });
    if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear();
    this.#templates.set(task, template);
    return template;
  }

  /** Listeners may change headers and properties. */
  async #heard(planned: PlannedMessage, destination: Destination): Promise<readonly [PlannedMessage, Destination]> {
    const { message } = planned;
    const headers: Record<string, unknown> = { ...message.headers };
    const properties: Record<string, unknown> = { ...destination.route.properties, correlation_id: message.headers.id, priority: destination.route.priority };
    const { exchange, routingKey } = destination;
    const event = { task: message.headers.task, exchange, routingKey, headers, properties, body: taskBodyValue(message) };
    await this.#core.signals.emit('beforeTaskPublish', event, message.headers.task);
    const { correlation_id: _, priority, ...others } = properties;
    const route = {
      ...destination.route,
      ...(typeof priority === 'number' ? { priority } : {}),
      ...(Object.keys(others).length === 0 ? {} : { properties: others as ValueMap }),
    };
    return [
      { ...planned, message: { ...message, headers: headers as TaskHeaders } },
      { ...destination, route },
    ];
  }

  /** With publish middleware each message is sent inside it, so that it may look at the outcome, or hold it back. */
  async #dispatchWrapped({ chords, groups, publish }: Sent, host: TaskHost, isFollowUp: boolean): Promise<void> {
    if (chords.length > 0 || groups.length > 0) await host.dispatch({ chords, groups, messages: [] });
    await Promise.all(publish.map((planned) => this.#sendWrapped(planned, host, isFollowUp)));
  }

  #sendWrapped(planned: PlannedMessage, host: TaskHost, isFollowUp: boolean): Promise<void> {
    const { message, route } = planned;
    const call: PublishCall = {
      task: message.headers.task,
      args: message.args,
      kwargs: message.kwargs,
      headers: { ...message.headers },
      options: route as ApplyOptions,
    };
    return wrap(this.#core.middlewares.publishing, call, async () => {
      const changed: PlannedMessage = {
        route,
        // Copies: a middleware may have changed what is inside, so a text that was kept for it (a retry's) does not count.
        message: {
          headers: call.headers as TaskHeaders,
          args: [...call.args] as readonly Value[],
          kwargs: { ...call.kwargs } as ValueMap,
          embed: message.embed,
        },
      };
      const ready = await this.outgoing(changed, isFollowUp);
      await host.dispatch({ chords: [], groups: [], messages: [ready] });
      await this.#told([ready], host);
    });
  }

  async #told(messages: readonly OutgoingMessage[], host: TaskHost): Promise<void> {
    const { signals, settings } = this.#core;
    for (const { message, exchange, routingKey, declare } of messages) {
      const headers = message.headers as TaskHeaders;
      if (signals.has('afterTaskPublish')) await signals.emit('afterTaskPublish', { task: headers.task, exchange, routingKey, headers }, headers.task);
      if (settings.taskSendSentEvent) host.emit('task-sent', sentFields(headers, { queue: declare?.queue?.name ?? routingKey, exchange, routingKey }));
    }
  }

  #currentRouter(): CallRouter {
    if (this.#router === undefined || this.#version !== this.#core.version) {
      this.#router = new CallRouter(this.#core.settings, this.#core.queues);
      this.#version = this.#core.version;
      this.#templates.clear();
    }
    return this.#router;
  }
}

/** A task must not wait for ever to be finished: its follow-ups are tried so often, where the policy has no limit. */
const FOLLOW_UP_RETRIES = 3;

function bounded(destination: Destination, fallback: number | null | undefined): Destination {
  const given = destination.route.retryPolicy ?? {};
  const limit = given['max_retries'] === undefined ? fallback : given['max_retries'];
  if (limit !== null) return destination;
  return { ...destination, route: { ...destination.route, retryPolicy: { ...given, max_retries: FOLLOW_UP_RETRIES } } };
}

function sentFields(
  headers: TaskHeaders,
  { queue, exchange, routingKey }: { readonly queue: string; readonly exchange: string; readonly routingKey: string },
): JsonObject {
  const { id, task, root_id, parent_id, argsrepr, kwargsrepr, retries, eta, expires } = headers;
  return {
    uuid: id,
    name: task,
    root_id,
    parent_id,
    args: argsrepr,
    kwargs: kwargsrepr,
    retries,
    eta,
    expires,
    queue,
    exchange,
    routing_key: routingKey,
  };
}
