import type { AppCore } from './core.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { deferred } from '../kernel/deferred.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Duration } from '../kernel/duration.ts';
import { newId } from '../kernel/ids.ts';
import { commandExchange, replyDeclaration } from '../messaging/mailbox.ts';
import { declare } from '../messaging/consumer.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { WireMessage } from '../protocol/wire-message.ts';
import type { Channel, Delivery } from '../transports/transport.ts';
import { mailboxNames } from './mailbox-names.ts';

/** Whom a command is for, and how long to wait for answers. */
export interface BroadcastOptions {
  /** Node names; default: all workers. */
  readonly destination?: readonly string[] | undefined;
  /** Nodes whose name fits; not looked at where there is a `destination`. */
  readonly pattern?: string | undefined;
  /** How to read it. Default `glob`. */
  readonly matcher?: 'glob' | 'pcre' | undefined;
  /** How long to wait for the next answer; default 1 second. */
  readonly timeout?: Duration | undefined;
  /** So many answers are enough. Default: as many as there are destinations. */
  readonly limit?: number | undefined;
  /** Ends the waiting; what has come by then is the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** Answers by node name. */
export type Replies<T> = Readonly<Record<string, T | { readonly error: string }>>;

export interface Command {
  /** Its name on the wire. */
  readonly method: string;
  readonly args: ValueMap;
  /** False: nobody is to answer. */
  readonly reply: boolean;
}

/** How often to try to reach the broker before that is the answer. */
const MAX_RETRIES = 2;
const DEFAULT_TIMEOUT_MS = 1000;

/** Sends a command to the workers and gathers their answers. Rejects with OperationalError where the broker cannot be reached. */
export async function broadcast(core: AppCore, command: Command, options: BroadcastOptions = {}): Promise<Readonly<Record<string, Value>>> {
  const timeoutMs = durationMs(options.timeout ?? DEFAULT_TIMEOUT_MS / 1000);
  if (timeoutMs === undefined)
    throw new ImproperlyConfigured(`timeout: seconds or a duration such as '5s' were expected, but it is ${JSON.stringify(options.timeout)}`);
  using _hold = core.hold();
  const link = await core.openLink('control', { maxRetries: MAX_RETRIES });
  try {
    const { broadcast: type } = link.transport.capabilities;
    if (type === false) throw new ImproperlyConfigured(`remote control is not possible over ${link.transport.name}: it cannot send one message to all workers`);
    const channel = await (await link.connection(options.signal)).openChannel();
    const call = { core, channel, options, timeoutMs };
    if (command.reply) return await callAndGather(call, command);
    await publish(call, command, {});
    return {};
  } finally {
    await link.close();
  }
}

interface Call {
  readonly core: AppCore;
  readonly channel: Channel;
  readonly options: BroadcastOptions;
  readonly timeoutMs: number;
}

interface Addressing extends Pick<BroadcastOptions, 'destination' | 'pattern' | 'matcher'> {
  readonly timeoutMs?: number;
  readonly replyTo?: ValueMap;
}

async function callAndGather(call: Call, command: Command): Promise<Readonly<Record<string, Value>>> {
  const { channel, core, options } = call;
  const id = newId();
  const ticket = newId();
  const declaration = replyDeclaration(mailboxNames(core.settings), id);
  const replies: Record<string, Value> = {};
  const gathering = gather(call, ticket, replies);
  await declare(channel, declaration);
  channel.setPrefetch(1000);
  const consuming = await channel.consume(declaration.queue.name, gathering.hear, { noAck: true });
  try {
    await publish(call, command, { ticket, reply_to: { exchange: declaration.exchange!.name, routing_key: id } });
    gathering.begin();
    options.signal?.addEventListener('abort', gathering.end, { once: true });
    await gathering.done;
    return replies;
  } finally {
    options.signal?.removeEventListener('abort', gathering.end);
    gathering.end();
    await consuming[Symbol.asyncDispose]();
    // Auto-delete may have seen to it; a queue that is gone is as good.
    await channel.deleteQueue(declaration.queue.name).catch(() => undefined);
  }
}

/** Waits until there are enough answers, or none has come for the time given. Answers to other questions are not ours. */
function gather(
  { core, options, timeoutMs }: Call,
  ticket: string,
  replies: Record<string, Value>,
): { hear(delivery: Delivery): void; begin(): void; end(): void; readonly done: Promise<void> } {
  const enough = options.limit ?? options.destination?.length;
  const done = deferred<void>();
  const twice = new Set<string>();
  let timer: Disposable | undefined;
  const begin = (): void => {
    timer?.[Symbol.dispose]();
    timer = core.clock.schedule(timeoutMs, done.resolve);
  };
  const end = (): void => {
    timer?.[Symbol.dispose]();
    done.resolve();
    if (twice.size === 0) return;
    core.log.warn(`Several workers answer as ${[...twice].join(', ')}, so that only one of them is seen: give each a name of its own (hostname, or -n)`);
    twice.clear();
  };
  const read = async ({ message }: Delivery): Promise<void> => {
    if (message.headers['ticket'] !== ticket) return;
    const { clock } = message.headers;
    if (typeof clock === 'number') core.lamport.adjust(clock);
    const { acceptContent: accept, brokerMaxMessageBytes: maxBytes } = core.settings;
    const answers = (await core.serializers.decode(message, { accept, maxBytes })) as ValueMap;
    for (const node of Object.keys(answers)) if (Object.hasOwn(replies, node)) twice.add(node);
    Object.assign(replies, answers);
    if (enough !== undefined && Object.keys(replies).length >= enough) end();
    else begin();
  };
  return {
    hear: (delivery) => void read(delivery).catch((error: unknown) => core.log.warn('an answer to a remote command could not be read', { error })),
    begin,
    end,
    done: done.promise,
  };
}

async function publish({ channel, core, options, timeoutMs }: Call, command: Command, replyTo: ValueMap): Promise<void> {
  const exchange = commandExchange(mailboxNames(core.settings));
  const message = await commandMessage(core, command, { ...options, timeoutMs, replyTo });
  await channel.declareExchange(exchange);
  await channel.publish(message, exchange.name, '');
}

/** A command as it is published to all; who may answer it has `timeoutMs` to hear it. */
export async function commandMessage(
  { clock, lamport, serializers, settings }: Pick<AppCore, 'clock' | 'lamport' | 'serializers' | 'settings'>,
  { method, args, reply }: Command,
  { destination, pattern, matcher, timeoutMs = 0, replyTo = {} }: Addressing = {},
): Promise<WireMessage> {
  const request: ValueMap = {
    method,
    arguments: args,
    destination: destination ?? null,
    pattern: pattern ?? null,
    matcher: pattern === undefined ? null : (matcher ?? 'glob'),
    ...replyTo,
  };
  const { body, contentType, contentEncoding } = await serializers.encode(request, { serializer: settings.taskSerializer });
  const headers = { clock: lamport.forward(), expires: reply ? (clock.now() + timeoutMs) / 1000 : 0 };
  return { body, contentType, contentEncoding, headers, properties: { priority: 0, persistent: true } };
}
