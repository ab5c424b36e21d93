import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisAddress } from '../../../src/clients/redis-address.ts';
import { openRedis, type RedisConnection } from '../../../src/clients/redis.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { newId } from '../../../src/kernel/ids.ts';
import { type Logger, silentLogger } from '../../../src/kernel/logger.ts';
import type { JsonObject } from '../../../src/protocol/json.ts';
import { RedisStore } from '../../../src/transports/redis/store.ts';
import type { Reservation } from '../../../src/transports/virtual/queue-store.ts';

/** A Redis server of our own, which may be stopped, frozen and started again with what it knew. */
export class RedisServer implements AsyncDisposable {
  static readonly isInstalled = spawnSync('redis-server', ['--version']).status === 0;
  readonly port: number;
  readonly directory = mkdtempSync(join(tmpdir(), 'celeriac-redis-'));
  readonly #args: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.start();
    return server;
  }

  /** Encrypted, locked, and reachable through a socket file as well. */
  static async startTls(options: { readonly cert: string; readonly key: string; readonly socket: string; readonly password: string }): Promise<RedisServer> {
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--port', '0', '--tls-cert-file', options.cert, '--tls-key-file', options.key, '--tls-auth-clients', 'no'];
    const server = new RedisServer(port, [...tls, '--unixsocket', options.socket, '--requirepass', options.password]);
    await server.start();
    return server;
  }

  get url(): URL {
    return new URL(`redis://127.0.0.1:${this.port}/0`);
  }

  async start(): Promise<void> {
    const port = this.#args.includes('--tls-port') ? [] : ['--port', String(this.port)];
    this.#process = spawn('redis-server', [...port, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--dir', this.directory, ...this.#args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of this.#process.stdout!) if (String(line).includes('Ready to accept connections')) break;
    this.#process.stdout!.resume();
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = once(this.#process!, 'exit');
    this.#process!.kill(signal);
    await ended;
  }

  freeze(): void {
    this.#process!.kill('SIGSTOP');
  }
  thaw(): void {
    this.#process!.kill('SIGCONT');
  }

  connect(): Promise<RedisConnection> {
    return openRedis(redisAddress(this.url, { transportOptions: {} }), {
      name: 'celeriac/test/admin',
      timeoutMs: 5000,
      clock: systemClock,
      socketTimeoutMs: 60_000,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) await this.stop();
    rmSync(this.directory, { recursive: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Short, so that tests need not wait for long. */
export const SHORT_LEASE: JsonObject = { lease_ms: 1000, lease_renew_ms: 300, lease_look_ms: 400 };

export const openStore = (
  url: URL,
  options: { readonly owner?: string; readonly transportOptions?: JsonObject; readonly timeoutMs?: number; readonly log?: Logger } = {},
): Promise<RedisStore> =>
  RedisStore.open({
    url,
    owner: options.owner ?? newId(),
    timeoutMs: options.timeoutMs ?? 5000,
    heartbeatMs: 0,
    transportOptions: { ...SHORT_LEASE, ...options.transportOptions },
    clock: systemClock,
    log: options.log ?? silentLogger,
    role: 'test',
    hostname: 'w1@test',
    maxMessageBytes: 64 * 2 ** 20,
    signal: new AbortController().signal,
  });

export const messageOf = (text: string, priority = 0) => ({
  body: { text },
  contentType: 'text/plain',
  contentEncoding: 'utf-8',
  headers: { id: text },
  properties: { priority },
});

export const take = (store: RedisStore, queues: readonly string[], waitMs = 0, max = 100): Promise<readonly Reservation[]> =>
  store.reserve(queues, { max, waitMs, signal: new AbortController().signal });

export const idsOf = (reservations: readonly Reservation[]): readonly unknown[] => reservations.map(({ message }) => message.headers['id']);
