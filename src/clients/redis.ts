import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Command, Redis as IoRedis } from 'ioredis';
import { ImproperlyConfigured, OperationalError, ResponseError } from '../errors.ts';
import { maskText } from '../kernel/broker-url.ts';
import { deferred } from '../kernel/deferred.ts';
import { empty } from '../kernel/empty.ts';
import type { RedisAddress } from './redis-address.ts';
import { clientOptions, type RedisOpenOptions } from './redis-options.ts';

/** What Redis takes as an argument. Bytes as a Buffer: any other Uint8Array would be written as the text of its numbers. */
export type RedisArgument = string | number | Buffer;
export const redisArgument = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' || Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
export type RedisCommand = readonly [name: string, ...args: readonly RedisArgument[]];
/** Lua, and the hash under which the server knows it. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

export const redisScript = (lua: string): RedisScript => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });

/** A connection as its server knows it; undefined where that may not be asked. */
export interface RedisPeer {
  readonly clientId: number | undefined;
  /** Changes with each start of a server. */
  readonly serverId: string | undefined;
  readonly version: RedisVersion | undefined;
}
export type RedisVersion = readonly [major: number, minor: number];

/** One connection, which never reconnects by itself: when it is gone it is gone, and whoever owns it opens another. */
export interface RedisConnection {
  /** Settles once: with nothing after a close of ours, with the reason when the server went away. */
  readonly closed: Promise<OperationalError | undefined>;
  readonly isClosed: boolean;
  readonly peer: RedisPeer;
  /** Whether one that is subscribed may ask anything else as well, as `asksWhileSubscribed` wished. */
  readonly asksWhileSubscribed: boolean;
  /** OperationalError when the connection is lost or the server cannot do it just now (LOADING, OOM, BUSY…); ResponseError with the server's own words when it refuses for good. */
  call(name: string, ...args: RedisArgument[]): Promise<unknown>;
  /** The same, with strings of the reply as bytes. */
  callBytes(name: string, ...args: RedisArgument[]): Promise<unknown>;
  /** LPUSH, of many texts at little cost. `isAscii`: they are known to have as many bytes as characters. */
  push(list: string, texts: readonly string[], isAscii: boolean): Promise<unknown>;
  /** All in one write. The first error rejects, when all have been answered. */
  pipeline(commands: readonly RedisCommand[]): Promise<readonly unknown[]>;
  /** EVALSHA; the script itself where the server does not know it (restart, failover, SCRIPT FLUSH). */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  /** EVAL: for what must keep its place among the commands that follow it, which EVALSHA loses when the server does not know the script. */
  runInOrder(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  /** What comes by publish/subscribe, with the pattern where one was subscribed to. */
  onMessage(listener: (channel: string, message: Buffer, pattern: string | undefined) => void): void;
  /** Gives the connection up as lost, with this reason. */
  fail(reason?: string): void;
  close(): Promise<void>;
}

const OLDEST = [6, 2] as const;

/**
 * Connects, and looks at the server's version.
 * @throws OperationalError when the server cannot be reached, ImproperlyConfigured when it refuses the password, has no such database, or is older than 6.2.
 */
export async function openRedis(address: RedisAddress, options: RedisOpenOptions): Promise<RedisConnection> {
  options.signal?.throwIfAborted();
  const { Redis, Command } = await import('ioredis');
  const client = new Redis(clientOptions(address, options));
  const connection = new Connection(client, Command, address.shown);
  const onAbort = (): void => client.disconnect();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  // A name that does not resolve, or a sentinel that does not answer, must not outlast the caller's patience.
  using _deadline = options.clock.schedule(options.timeoutMs, () => connection.fail(`no connection after ${options.timeoutMs / 1000} s`));
  try {
    await client.connect();
    await connection.introduce(address.db);
    if (options.holdsProcess === false) connection.unref();
    return connection;
  } catch (error) {
    client.disconnect();
    options.signal?.throwIfAborted();
    if (error instanceof ImproperlyConfigured) throw error;
    throw await connection.explain(error);
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
}

function checkedVersion(info: string, shown: string): RedisVersion {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    throw new ImproperlyConfigured(`${shown}: Redis 6.2 or newer is needed (as by kombu 5.7), but the server is ${version}`);
  return [major, minor];
}

class Connection implements RedisConnection {
  readonly closed: Promise<OperationalError | undefined>;
  readonly #client: IoRedis;
  readonly #Command: typeof Command;
  readonly #shown: string;
  readonly #closed = deferred<OperationalError | undefined>();
  #lastError: Error | undefined;
  #isClosed = false;
  #isOurs = false;
  #isCorked = false;
  #peer: RedisPeer = { clientId: undefined, serverId: undefined, version: undefined };

  constructor(client: IoRedis, command: typeof Command, shown: string) {
    this.#client = client;
    this.#Command = command;
    this.#shown = shown;
    this.closed = this.#closed.promise;
    client.on('error', (error: Error) => (this.#lastError = error));
    client.on('end', () => this.#onEnd());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** ioredis falls back to the older protocol by itself. */
  get asksWhileSubscribed(): boolean {
    return this.#client.condition?.protocol === 3;
  }

  get peer(): RedisPeer {
    return this.#peer;
  }

  /** Looks at the server, and at what we are to it. Who may not ask is let in all the same, as by kombu; but not into another database than it named. */
  async introduce(db: number): Promise<void> {
    const ask = (...command: [string, string]): Promise<unknown> =>
      this.call(...command).catch((error: unknown) => {
        if (error instanceof ResponseError) return undefined;
        throw error;
      });
    const [info, id] = await Promise.all([ask('INFO', 'server'), ask('CLIENT', 'ID'), this.#select(db)]);
    this.#peer = {
      clientId: id === undefined ? undefined : Number(id),
      serverId: /^run_id:(\S+)/m.exec(String(info))?.[1],
      version: info === undefined ? undefined : checkedVersion(String(info), this.#shown),
    };
  }

  /** Asked again, since ioredis goes on in database 0 where this is refused. */
  async #select(db: number): Promise<void> {
    if (db === 0) return;
    await this.call('SELECT', db).catch((error: unknown) => {
      throw error instanceof ResponseError ? new ImproperlyConfigured(error.message) : error;
    });
  }

  call(name: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.#ask(new this.#Command(name, args as string[], { replyEncoding: 'utf8' }));
  }

  callBytes(name: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.#ask(new this.#Command(name, args as string[], { replyEncoding: null }));
  }

  push(list: string, texts: readonly string[], isAscii: boolean): Promise<unknown> {
    const listBytes = Buffer.byteLength(list);
    let written = `*${texts.length + 2}\r\n$5\r\nLPUSH\r\n$${listBytes}\r\n${list}`;
    for (const text of texts) written += `\r\n$${isAscii ? text.length : Buffer.byteLength(text)}\r\n${text}`;
    written += '\r\n';
    // The texts are no arguments that ioredis would look at, copy one by one, and keep until the answer.
    const command = new this.#Command('LPUSH', [list], { replyEncoding: 'utf8' });
    // ASCII goes as Latin-1, which is copied as it is; for UTF-8 three times the room is set aside first.
    const bytes = Buffer.from(written, isAscii && listBytes === list.length ? 'latin1' : 'utf8');
    command.toWritable = () => bytes;
    return this.#ask(command);
  }

  async pipeline(commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    if (commands.length === 0) return [];
    this.#cork();
    const pipeline = this.#client.pipeline();
    for (const [name, ...args] of commands) pipeline.call(name, ...(args as string[]));
    const replies = await pipeline.exec().catch((error: unknown) => this.#rethrow(error));
    const failed = replies?.find(([error]) => error !== null)?.[0];
    if (failed !== undefined && failed !== null) throw this.#fail(failed);
    return (replies ?? []).map(([, reply]) => reply);
  }

  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    const command = new this.#Command('EVALSHA', [script.sha, keys.length, ...keys, ...args] as string[], { replyEncoding: 'utf8' });
    const answer = this.#send(command);
    // It is written: see kernel/empty.ts.
    empty(command.args);
    return answer.catch((error: unknown) => {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return this.runInOrder(script, keys, args);
      throw explained(this.#fail(error), script);
    });
  }

  runInOrder(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    return this.call('EVAL', script.lua, keys.length, ...keys, ...args).catch((error: unknown) => {
      throw explained(error, script);
    });
  }

  onMessage(listener: (channel: string, message: Buffer, pattern: string | undefined) => void): void {
    this.#client.on('messageBuffer', (channel: Buffer, message: Buffer) => listener(String(channel), message, undefined));
    this.#client.on('pmessageBuffer', (pattern: string, channel: Buffer, message: Buffer) => listener(String(channel), message, String(pattern)));
  }

  fail(reason?: string): void {
    if (this.#isClosed) return;
    if (reason !== undefined) this.#lastError ??= new Error(reason);
    this.#client.disconnect();
    // A connection that was never ready emits no end.
    this.#onEnd();
  }

  async close(): Promise<void> {
    this.#isOurs = true;
    if (this.#isClosed) return;
    this.#client.disconnect();
    await this.closed;
  }

  unref(): void {
    (this.#client.stream as Partial<Socket>).unref?.();
  }

  /** Why connecting failed: the socket's own error says more than "Connection is closed." */
  async explain(error: unknown): Promise<Error> {
    const cause = this.#lastError ?? (error as Error);
    if (/^(?:WRONGPASS|NOAUTH|ERR invalid DB|ERR DB index|NOPERM)/.test(cause.message))
      return new ImproperlyConfigured(`${this.#shown}: ${maskText(cause.message)}`);
    return new OperationalError(`cannot reach ${this.#shown}: ${maskText(wordsOf(cause))}`, { cause });
  }

  #ask(command: Command): Promise<unknown> {
    return this.#send(command).catch((error: unknown) => this.#rethrow(error));
  }

  /** The client's own `call` would copy the arguments, of which there may be hundreds, four times more. */
  #send(command: Command): Promise<unknown> {
    this.#cork();
    return this.#client.sendCommand(command) as Promise<unknown>;
  }

  /** What is asked in one turn leaves in one write: each costs as much as a hundred lines of script. */
  #cork(): void {
    if (this.#isCorked) return;
    const { stream } = this.#client;
    this.#isCorked = true;
    stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  #onEnd(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve(this.#isOurs ? undefined : this.#lost());
  }

  #lost(): OperationalError {
    const cause = this.#lastError;
    return new OperationalError(`lost the connection to ${this.#shown}: ${cause === undefined ? 'the server closed it' : maskText(wordsOf(cause))}`, { cause });
  }

  #rethrow(error: unknown): never {
    throw this.#fail(error);
  }

  /** Whatever is not an answer of the server means that there will be none; so do answers that mean "not here any more". The owner then looks for the server again. */
  #fail(error: unknown): Error {
    const reason = error instanceof Error ? error : new Error(String(error));
    const code = reason.name === 'ReplyError' ? codeOf(reason.message) : undefined;
    // The command with its arguments stands on ioredis's error: a message's body has no place in a log.
    if (code !== undefined && !ELSEWHERE.has(code))
      return new (PASSING.has(code) ? OperationalError : ResponseError)(`${this.#shown}: ${maskText(reason.message)}`);
    // The command fails before the connection has told its end.
    this.fail(reason.name === 'ReplyError' ? reason.message : undefined);
    return this.#lost();
  }
}

/** Of a script that may not do something, Redis before 7.2 does not say what. */
function explained(error: unknown, { lua }: RedisScript): unknown {
  if (!(error instanceof ResponseError) || !/NOPERM|can't run this command/.test(error.message)) return error;
  const commands = new Set(Array.from(lua.matchAll(/redis\.p?call\('([A-Z]+)'/g), (match) => match[1]!));
  const wanted = [...commands].toSorted().join(', ');
  return new ResponseError(`${error.message.trim()}; this step needs ${wanted}, with our keys: allow the user of this connection all of them (ACL SETUSER)`, {
    cause: error,
  });
}

/** The server is not, or no longer, the one that we may write to. */
const ELSEWHERE: ReadonlySet<string> = new Set(['READONLY', 'MASTERDOWN', 'LOADING']);
/** The server cannot do it just now: no memory, no disk, a script that runs on, a cluster or its replicas that are not complete. */
const PASSING: ReadonlySet<string> = new Set(['OOM', 'MISCONF', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'NOREPLICAS']);

/** The first word of a refusal. Redis 6.2 wraps that of a command in a script: `ERR Error running script (call to f_…): @user_script:1: -OOM command …`. */
const codeOf = (message: string): string => /^ERR Error running script.*? -([A-Z]+) /.exec(message)?.[1] ?? message.split(' ', 1)[0]!;

/** An AggregateError of Node's (happy eyeballs) has an empty message. */
export const wordsOf = (error: Error): string => (error.message !== '' ? error.message : ((error as { readonly code?: string }).code ?? error.name));
