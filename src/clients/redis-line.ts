import { connect as connectPlain, type Socket } from 'node:net';
import { OperationalError, ResponseError } from '../errors.ts';
import { maskText } from '../kernel/broker-url.ts';
import type { Clock } from '../kernel/clock.ts';
import { type Deferred, deferred } from '../kernel/deferred.ts';
import type { RedisAddress } from './redis-address.ts';
import { type RedisArgument, type RedisScript, wordsOf } from './redis.ts';

/** What single commands are answered with; lists are not read here. */
export type RedisLineReply = string | number | null;

/**
 * One connection for one command at a time, by Node's own means: where memory counts more than speed, as in the lease thread, into which the client library
 * would bring 7 to 9 MB more (measured in a draining worker). It never reconnects, as its big sister in redis.ts.
 */
export interface RedisLine extends AsyncDisposable {
  readonly isClosed: boolean;
  /** OperationalError when the connection is lost, or nothing comes within `answerMs`; ResponseError with the server's own words when it refuses, for good or just now. */
  call(name: string, ...args: RedisArgument[]): Promise<RedisLineReply>;
  /** EVAL: a script that is asked for now and then need not be known to the server. */
  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<RedisLineReply>;
}

export interface RedisLineOptions {
  /** CLIENT SETNAME. */
  readonly name: string;
  /** For connecting, introduction and all. */
  readonly timeoutMs: number;
  /** For each answer: who is silent for longer is given up. */
  readonly answerMs: number;
  readonly clock: Clock;
  readonly keepAlive?: boolean;
}

/** More than any answer to a single command that is asked here; what is longer ends the connection. */
const MAX_REPLY_BYTES = 64 * 1024;

/**
 * Connects to a server, encrypted or through a Unix socket where the address says so. Sentinels are not asked.
 * @throws OperationalError when the server cannot be reached, ResponseError when it does not let us in.
 */
export async function openRedisLine(address: RedisAddress, options: RedisLineOptions): Promise<RedisLine> {
  const line = new Line(await dial(address), address.shown, options);
  using _deadline = options.clock.schedule(options.timeoutMs, () => line.fail(`no connection after ${options.timeoutMs / 1000} s`));
  try {
    await line.introduce(address, options.name);
    return line;
  } catch (error) {
    await line[Symbol.asyncDispose]();
    throw error;
  }
}

async function dial({ host, port, path, tls }: RedisAddress): Promise<Socket> {
  const where = path === undefined ? { host, port } : { path };
  return tls === undefined ? connectPlain(where) : (await import('node:tls')).connect({ ...where, ...(tls as object) });
}

class Line implements RedisLine {
  readonly #socket: Socket;
  readonly #shown: string;
  readonly #options: RedisLineOptions;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Deferred<RedisLineReply | Refusal> | undefined;
  #isIntroduced = false;
  #lost: OperationalError | undefined;

  constructor(socket: Socket, shown: string, options: RedisLineOptions) {
    this.#socket = socket;
    this.#shown = shown;
    this.#options = options;
    socket.setNoDelay(true);
    if (options.keepAlive === true) socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.fail(wordsOf(error)));
    socket.on('close', () => this.fail('the server closed it'));
  }

  get isClosed(): boolean {
    return this.#lost !== undefined;
  }

  /** A password that nobody asks for, and a name that we may not have, are no obstacle: as for all our connections. */
  async introduce({ username, password, db }: RedisAddress, name: string): Promise<void> {
    if (username !== undefined) await this.#ask(['AUTH', username, password ?? ''], /any password configured/);
    else if (password !== undefined) await this.#ask(['AUTH', password], /any password configured/);
    if (db !== 0) await this.#ask(['SELECT', db]);
    await this.#ask(['CLIENT', 'SETNAME', name], /^(?:NOPERM|ERR unknown) /);
    this.#isIntroduced = true;
  }

  call(name: string, ...args: RedisArgument[]): Promise<RedisLineReply> {
    return this.#ask([name, ...args]);
  }

  run(script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<RedisLineReply> {
    return this.#ask(['EVAL', script.lua, keys.length, ...keys, ...args]);
  }

  fail(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new OperationalError(`${this.#isIntroduced ? 'lost the connection to' : 'cannot reach'} ${this.#shown}: ${maskText(reason)}`);
    this.#socket.destroy();
    this.#waiting?.reject(this.#lost);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.fail('closed');
    return Promise.resolve();
  }

  async #ask(command: readonly RedisArgument[], tolerated?: RegExp): Promise<RedisLineReply> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#waiting !== undefined) throw new Error(`${this.#shown}: ${String(command[0])} was asked before the last command was answered`);
    const { answerMs, clock } = this.#options;
    const waiting = deferred<RedisLineReply | Refusal>();
    this.#waiting = waiting;
    using _deadline = clock.schedule(answerMs, () => this.fail(`no answer within ${answerMs / 1000} s`));
    this.#socket.write(bytesOf(command));
    const reply = await waiting.promise;
    if (!(reply instanceof Refusal)) return reply;
    if (tolerated?.test(reply.words) === true) return null;
    throw new ResponseError(`${this.#shown}: ${maskText(reply.words)}`);
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const read = readReply(this.#received);
    if (read === undefined) {
      if (this.#received.length > MAX_REPLY_BYTES) this.fail(`an answer of more than ${MAX_REPLY_BYTES} bytes`);
      return;
    }
    const waiting = this.#waiting;
    if (read === 'foreign')
      return this.fail(`it does not speak Redis's protocol, or answers with a list: ${JSON.stringify(this.#received.toString('latin1', 0, 40))}`);
    if (waiting === undefined || read.end !== this.#received.length) return this.fail('it said something that it was not asked for');
    this.#waiting = undefined;
    this.#received = Buffer.alloc(0);
    waiting.resolve(read.reply);
  }
}

/** An answer beginning with `-`. */
class Refusal {
  readonly words: string;

  constructor(words: string) {
    this.words = words;
  }
}

function bytesOf(command: readonly RedisArgument[]): Buffer {
  const parts = command.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(String(part))));
  const end = Buffer.from('\r\n');
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, end])]);
}

/** The reply at the beginning of these bytes, and where it ends; undefined while it is not whole. */
function readReply(bytes: Buffer): { readonly reply: RedisLineReply | Refusal; readonly end: number } | 'foreign' | undefined {
  const kind = String.fromCharCode(bytes[0]!);
  if (!'+-:$'.includes(kind)) return 'foreign';
  const lineEnd = bytes.indexOf('\r\n');
  if (lineEnd < 0) return undefined;
  const text = bytes.toString('utf8', 1, lineEnd);
  const end = lineEnd + 2;
  if (kind === '+') return { reply: text, end };
  if (kind === '-') return { reply: new Refusal(text), end };
  if (!/^-?\d+$/.test(text)) return 'foreign';
  const number = Number(text);
  if (kind === ':') return { reply: number, end };
  if (number < 0) return { reply: null, end };
  return bytes.length < end + number + 2 ? undefined : { reply: bytes.toString('utf8', end, end + number), end: end + number + 2 };
}
