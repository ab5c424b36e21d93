import type { RegisteredTask } from '../app/core.ts';
import { ContentDisallowed, DecodeError, InvalidTaskError, NotRegistered } from '../errors.ts';
import { field } from '../events/dispatcher.ts';
import { finishTask } from '../execution/finish-task.ts';
import { failureOutcome, revokedOutcome } from '../execution/outcomes.ts';
import { receiveTask } from '../protocol/task-message.ts';
import type { ReceivedTask } from '../protocol/task-message.ts';
import type { Delivery } from '../transports/transport.ts';
import { admit } from './admission.ts';
import type { Admission } from './admission.ts';
import type { WorkerContext } from './context.ts';
import { recall } from './recall.ts';
import { Request } from './request.ts';
import type { Limits } from './request.ts';
import type { Runner } from './runner.ts';
import { taskReceived } from './task-events.ts';

/**
 * What is due later than this is put aside in the store, where it can be (decisions.md 25), and comes back so long before it is due:
 * a store looks for what has come due every few seconds, a timer is exact.
 */
const PARK_MS = 10_000;
/** In place of the epoch of a message that was taken by hand: no channel counts it. */
export const BY_HAND = -1;

/** From delivery to ready: reads, decides, and has the decision carried out. Whatever comes, nothing is thrown and nothing is stuck. */
export class Intake {
  readonly #context: WorkerContext;
  readonly #runner: Runner;
  readonly #decode: Parameters<typeof receiveTask>[1];
  readonly #textOf: Parameters<typeof receiveTask>[2];

  constructor(context: WorkerContext, runner: Runner) {
    this.#context = context;
    this.#runner = runner;
    const { accept, maxBytes } = context.options;
    this.#decode = (message) => context.core.serializers.decode(message, { accept, maxBytes });
    this.#textOf = (message) => context.core.serializers.jsonText(message, accept);
  }

  /** A message has come, by the channel of that epoch: reading it may last longer than the channel. */
  receive(delivery: Delivery, epoch: number = this.#context.reservations.epoch): void {
    const { core, options } = this.#context;
    const { message } = delivery;
    try {
      if (delivery.unreadable !== undefined) throw new InvalidTaskError(`its headers cannot be read: ${delivery.unreadable.message}`);
      if (!core.serializers.accepts(message.contentType, options.accept)) {
        const names = options.accept.join(', ');
        throw new ContentDisallowed(`content type ${JSON.stringify(message.contentType)} is not accepted here (acceptContent: ${names})`);
      }
      const received = receiveTask(delivery, this.#decode, this.#textOf);
      if (received instanceof Promise) received.then((read) => this.#received(delivery, read, epoch)).catch((error: unknown) => this.#refuse(delivery, error));
      else this.#received(delivery, received, epoch);
    } catch (error) {
      this.#refuse(delivery, error);
    }
  }

  #received(delivery: Delivery, received: ReceivedTask, epoch: number): void {
    const { core, clock, options, rateLimits, revoked, timeLimits, isTaking } = this.#context;
    const { headers } = received;
    const task = core.tasks.get(headers.task);
    const rate = task === undefined || !options.limitsRates ? null : rateLimits.rateOf(task);
    const admission = admit(headers, { isKnown: task !== undefined, isRevoked: revoked.has(headers), isRateLimited: rate !== null, now: () => clock.now() });
    if (task === undefined) return this.#unknown(delivery, received);
    if (admission.kind === 'invalid') return this.#refuse(delivery, new InvalidTaskError(admission.reason));
    if (admission.kind === 'wait-until' && this.#parks(delivery, admission.atMs)) return this.#park(delivery, received, admission.atMs);
    const limits = timeLimits.get(task.name) ?? (options.hasTimeLimits ? this.#limitsOf(task) : task.policy);
    const request = new Request({ received, delivery, task, owner: this.#runner, epoch, limits });
    const told = isTaking ? this.#announce(request, admission) : undefined;
    if (told === undefined) return this.#take(request, admission, rate);
    void told.then(() => this.#take(request, admission, rate));
  }

  #take(request: Request, admission: Admission, rate: number | null): void {
    this.#context.reservations.add(request);
    if (!this.#context.isTaking) return this.#runner.giveBack(request);
    this.#obey(request, admission, rate);
  }

  /** Those of the worker count where the task has none. */
  #limitsOf({ policy }: RegisteredTask): Limits {
    const { options } = this.#context;
    return { timeLimitMs: policy.timeLimitMs ?? options.timeLimitMs, softTimeLimitMs: policy.softTimeLimitMs ?? options.softTimeLimitMs };
  }

  #obey(request: Request, admission: Admission, rate: number | null): void {
    const { rateLimits, reservations } = this.#context;
    switch (admission.kind) {
      case 'revoked':
      case 'expired':
        return this.#runner.finishUnstarted(request, revokedOutcome(admission.kind));
      case 'wait-until':
        return this.#schedule(request, admission.atMs);
      case 'wait-for-token':
        reservations.move(request, 'limited');
        rateLimits.wait(request.name, rate!, request);
        return this.#context.planWindow();
      default:
        return this.#runner.ready(request);
    }
  }

  /** A promise while listeners have not been told, as reading the body takes time: nobody hears of a task's start before its coming. */
  #announce(request: Request, admission: Admission): void | Promise<void> {
    const { events, log } = this.#context;
    if (log.isEnabled?.('INFO') !== false) log.info(`Task ${request.label} received`);
    if (admission.kind === 'revoked' || admission.kind === 'expired') return undefined;
    if (events.sendsTasks && request.task.policy.sendEvents) taskReceived(events, request.received);
    return this.#context.emitTask('taskReceived', request.received, {});
  }

  /** In memory until its eta; then a rate limit may follow. */
  #schedule(request: Request, atMs: number): void {
    const { clock, reservations, timers } = this.#context;
    request.etaMs = atMs;
    reservations.move(request, 'scheduled');
    request.timer = timers.schedule(atMs - clock.now(), () => this.#due(request));
    this.#context.planWindow();
  }

  #due(request: Request): void {
    const { options, rateLimits } = this.#context;
    request.timer = undefined;
    const rate = options.limitsRates ? rateLimits.rateOf(request.task) : null;
    this.#obey(request, rate === null ? { kind: 'run' } : { kind: 'wait-for-token' }, rate);
  }

  #parks(delivery: Delivery, atMs: number): boolean {
    const { clock, options, reservations } = this.#context;
    return delivery.park !== undefined && (atMs - clock.now() > PARK_MS || reservations.count('scheduled') >= options.etaLimit);
  }

  /** Out of our hands until it is due; whoever gets it then says that it was received. */
  #park(delivery: Delivery, received: ReceivedTask, atMs: number): void {
    const { counters, log } = this.#context;
    counters.parked += 1;
    log.info(`Task ${received.headers.task}[${received.headers.id}] waits in the broker until ${new Date(atMs).toISOString()}`);
    // More than may wait here come when they are due, as soon as the store looks.
    const isFar = atMs - this.#context.clock.now() > PARK_MS;
    const parked = delivery.park!(isFar ? atMs - PARK_MS : atMs);
    this.#runner.track(parked);
    // A revoke that came while it was on its way there has not found it.
    parked.then(
      () => (this.#context.revoked.has(received.headers) ? recall(this.#context, [received.headers.id]) : undefined),
      () => undefined,
    );
  }

  /** FAILURE for whoever waits for it, a part that failed for its chord, and no more tries: as Celery. */
  #unknown(delivery: Delivery, received: ReceivedTask): void {
    const { core, counters, env, events, log } = this.#context;
    const { id, task } = received.headers;
    counters.refused.unknown += 1;
    log.error(`Received unregistered task of type ${JSON.stringify(task)}: id ${id} is not run. ${this.#whyUnknown(task)}`);
    if (core.signals.has('taskUnknown')) void core.signals.emit('taskUnknown', { name: task, id, message: delivery.message });
    const unknown = new NotRegistered(task);
    // Where in the worker that was noticed tells nobody anything: Celery stores no traceback either.
    unknown.stack = '';
    const outcome = failureOutcome(unknown);
    const finish = async (): Promise<void> => {
      await finishTask(received, outcome, env);
      if (events.sendsTasks && outcome.state === 'FAILURE') events.task('task-failed', id, field('exception', outcome.error.repr));
      await delivery.settle('dead');
    };
    this.#runner.track(finish());
  }

  #whyUnknown(task: string): string {
    const { core, env } = this.#context;
    if (env.isErrback?.(task) === true) {
      return 'That is the name of an errback (app.errback), which is called only in the worker where the task failed. What another worker or language is to call is a task: app.task, which gets the id of the failed task';
    }
    const names = core.tasks.names().filter((name) => !name.startsWith('celery.'));
    return `Is the module that defines it loaded by this worker? Known here: ${names.slice(0, 50).join(', ') || 'none'}`;
  }

  /** Not a task, or not one that we may read: kept where dead letters go, said once, counted. */
  #refuse(delivery: Delivery, error: unknown): void {
    const { core, counters, log } = this.#context;
    const isUndecodable = error instanceof DecodeError;
    counters.refused[isUndecodable ? 'undecodable' : 'invalid'] += 1;
    const { contentType, headers } = delivery.message;
    const what = typeof headers['id'] === 'string' ? `message ${headers['id']}` : 'a message';
    const reason = error instanceof Error ? error.message : String(error);
    log.error(
      `Refused ${what} from queue ${delivery.queue} (${contentType || 'no content type'}, ${sizeOf(delivery)} bytes): ${reason}. It goes where dead letters go`,
    );
    if (core.signals.has('taskRejected'))
      void core.signals.emit('taskRejected', { message: delivery.message, exception: error instanceof Error ? error : null });
    this.#runner.track(delivery.settle('dead'));
  }
}

function sizeOf({ message }: Delivery): number {
  const { body } = message;
  if (body instanceof Uint8Array) return body.byteLength;
  return 'text' in body ? Buffer.byteLength(body.text) : Math.floor((body.base64.length * 3) / 4);
}
