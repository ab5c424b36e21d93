import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { METHODS, type MethodName } from '../../src/clients/amqp/methods.ts';
import { deferred, type Deferred } from '../../src/kernel/deferred.ts';

const HEAD_BYTES = 7;
const FRAME_METHOD = 1;

interface Fault {
  readonly method: MethodName;
  readonly act: 'cut' | 'repeat';
  readonly done: Deferred<void>;
}

/** A proxy before RabbitMQ that knows frames: for faults in the midst of one method of the client's. */
export class AmqpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly client: Socket; readonly upstream: Socket }>();
  #fault: Fault | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<AmqpProxy> {
    const server = createServer();
    const proxy = new AmqpProxy(server);
    server.on('connection', (client) => proxy.#pair(client, connect({ port, host: '127.0.0.1', noDelay: true })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next client to send such a method is reset in the midst of it: the broker gets half the frame. Resolves when that has happened. */
  cutIn(method: MethodName): Promise<void> {
    return this.#arm(method, 'cut');
  }

  /** The next such method reaches the broker twice. */
  repeat(method: MethodName): Promise<void> {
    return this.#arm(method, 'repeat');
  }

  /** Resets every connection that is open now. */
  reset(): void {
    for (const { client, upstream } of this.#pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  #arm(method: MethodName, act: Fault['act']): Promise<void> {
    this.#fault = { method, act, done: deferred() };
    return this.#fault.done.promise;
  }

  #pair(client: Socket, upstream: Socket): void {
    const pair = { client, upstream };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      client.destroy();
      upstream.destroySoon();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    upstream.on('data', (chunk: Buffer) => client.write(chunk));
    let rest = Buffer.alloc(0);
    let isGreeted = false;
    client.on('data', (chunk: Buffer) => {
      if (client.destroyed) return;
      rest = Buffer.concat([rest, chunk]);
      if (!isGreeted && rest.length >= 8) {
        upstream.write(rest.subarray(0, 8));
        rest = rest.subarray(8);
        isGreeted = true;
      }
      while (isGreeted && rest.length >= HEAD_BYTES) {
        const size = HEAD_BYTES + rest.readUInt32BE(3) + 1;
        if (rest.length < size) return;
        const frame = rest.subarray(0, size);
        rest = rest.subarray(size);
        if (!this.#pass(frame, pair)) return;
      }
    });
  }

  /** False when the connection has ended by it. */
  #pass(frame: Buffer, { client, upstream }: { readonly client: Socket; readonly upstream: Socket }): boolean {
    const fault = this.#fault;
    if (fault === undefined || !isMethod(frame, fault.method)) {
      upstream.write(frame);
      return true;
    }
    this.#fault = undefined;
    fault.done.resolve();
    upstream.write(fault.act === 'repeat' ? Buffer.concat([frame, frame]) : frame.subarray(0, frame.length >> 1));
    if (fault.act === 'repeat') return true;
    client.resetAndDestroy();
    upstream.destroySoon();
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fault = undefined;
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function isMethod(frame: Buffer, method: MethodName): boolean {
  const [classId, methodId] = METHODS[method];
  return frame[0] === FRAME_METHOD && frame.readUInt16BE(HEAD_BYTES) === classId && frame.readUInt16BE(HEAD_BYTES + 2) === methodId;
}
