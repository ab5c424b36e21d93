import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, '..', '..', 'scripts', 'servers', 'rabbitmq.sh');
const PORTS = 5;

/** The reason why no RabbitMQ of one's own can be started here. */
export const noOwnRabbit: string | undefined = spawnSync('sh', ['-c', 'command -v rabbitmqctl']).status === 0 ? undefined : 'rabbitmq-server is not installed';

/** A RabbitMQ node of the test's own, to be stopped, starved and restarted. What it keeps lies on disk, and outlives its restarts. */
export class OwnRabbit implements AsyncDisposable {
  readonly port: number;
  readonly #data: string;

  private constructor(data: string, port: number) {
    this.#data = data;
    this.port = port;
  }

  static async start(): Promise<OwnRabbit> {
    const rabbit = new OwnRabbit(mkdtempSync(join(tmpdir(), 'celeriac-rabbit-')), await freePorts());
    await rabbit.start();
    return rabbit;
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}/`;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    await this.#run('start');
    // The script gives up after a minute; a busy machine may need longer.
    await this.#run('wait').catch(() => this.#run('wait'));
  }

  /** Asks it to go: it says goodbye. */
  stop(): Promise<void> {
    return this.#run('stop');
  }

  /** As in a crash: without a goodbye. */
  kill(): Promise<void> {
    return this.#run('kill');
  }

  /** Resolves with what `rabbitmqctl` prints. */
  async ctl(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('bash', [script, 'ctl', this.#data, String(this.port), ...args]);
    return stdout;
  }

  /** Resolves with the time when somebody listens again. */
  async listens(): Promise<number> {
    while (!(await canConnect(this.port))) await new Promise((resolve) => setTimeout(resolve, 20));
    return Date.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** Its output is not piped: a server keeps the descriptors of the script that started it. */
  async #run(verb: 'start' | 'wait' | 'stop' | 'kill'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      spawn('bash', [script, verb, this.#data, String(this.port)], { stdio: 'ignore' }).on('exit', (status) =>
        status === 0 ? resolve() : reject(new Error(`rabbitmq.sh ${verb} failed: see ${this.#data}/log`)),
      );
    });
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', () => settle(true)).on('error', () => settle(false));
  });
}

/** Outside of what `scripts/servers` chooses from, and of what the system gives to clients. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 30_000 + Math.floor(Math.random() * 250) * 10;
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
