import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can misbehave: for tests of what happens when the network does. */
export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly upstream: Socket; isDead: boolean; late: Buffer[] | undefined }>();
  #mode: 'pass' | 'silent' | 'refuse' = 'pass';
  #cutAfter: number | undefined;
  /** Bytes that clients have sent so far. */
  sent = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number, host = '127.0.0.1'): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on('connection', (client) => proxy.#pair(client, connect({ port, host, noDelay: true })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Everything is swallowed, both ways, without a word: a half-open connection. */
  silence(): void {
    this.#mode = 'silent';
  }

  /** Connections that are open now swallow everything from now on; new ones work: as after a firewall has forgotten them. */
  silenceOpen(): void {
    for (const pair of this.#pairs) pair.isDead = true;
  }

  /** What clients of the open connections say from now on is on its way for long, until `deliver`; they hear nothing more. */
  delayOpen(): void {
    for (const pair of this.#pairs) {
      pair.isDead = true;
      pair.late = [];
    }
  }

  /** Bytes that are on their way. */
  get delayed(): number {
    return [...this.#pairs].reduce((sum, { late }) => sum + (late ?? []).reduce((bytes, chunk) => bytes + chunk.length, 0), 0);
  }

  /** The clients of delayed connections lose them; the server still believes that they live. */
  dropDelayed(): void {
    for (const { client, late } of this.#pairs) if (late !== undefined) client.resetAndDestroy();
  }

  /** What was delayed arrives at the server. */
  deliver(): void {
    for (const { upstream, late } of this.#pairs) for (const chunk of late?.splice(0) ?? []) if (!upstream.destroyed) upstream.write(chunk);
  }

  /** New connections are closed at once; open ones go on. */
  refuse(): void {
    this.#mode = 'refuse';
  }

  heal(): void {
    this.#mode = 'pass';
  }

  /** Resets every connection that is open now. */
  reset(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Resets the connection in the middle of what clients send, after so many more bytes. */
  cutAfter(bytes: number): void {
    this.#cutAfter = this.sent + bytes;
  }

  #pair(client: Socket, upstream: Socket): void {
    if (this.#mode === 'refuse') {
      client.destroy();
      upstream.destroy();
      return;
    }
    const pair = { client, upstream, isDead: false, late: undefined as Buffer[] | undefined };
    const isSilent = (): boolean => this.#mode === 'silent' || pair.isDead;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (chunk: Buffer) => {
      this.sent += chunk.length;
      if (isSilent()) return void pair.late?.push(chunk);
      if (this.#cutAfter !== undefined && this.sent >= this.#cutAfter) {
        upstream.write(chunk.subarray(0, chunk.length - (this.sent - this.#cutAfter)));
        this.#cutAfter = undefined;
        client.resetAndDestroy();
        upstream.destroySoon();
        return;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => !isSilent() && client.write(chunk));
    for (const socket of [client, upstream]) socket.on('error', end).on('close', () => !isSilent() && end());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
