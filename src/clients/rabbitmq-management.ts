import { ImproperlyConfigured, OperationalError } from '../errors.ts';

export interface ManagedQueue {
  readonly name: string;
  /** Waiting and in somebody's hands together. */
  readonly messages: number;
  readonly ready: number;
  readonly unacknowledged: number;
  readonly consumers: number;
}
export interface ManagedBinding {
  readonly source: string;
  /** A queue, or for what binds exchanges an exchange. */
  readonly destination: string;
  readonly routingKey: string;
}

/** RabbitMQ's management API (the plugin rabbitmq_management), as far as we ask it. Its answers are of the last few seconds: the broker gathers them at intervals. */
export class RabbitMqManagement {
  readonly #base: URL;
  readonly #authorization: string;
  readonly #timeoutMs: number;

  /** `url`: `http://user:password@host:15672`, with or without `/api`. Its password is sent, and never shown. */
  constructor(url: URL, options: { readonly timeoutMs: number }) {
    const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    this.#authorization = `Basic ${Buffer.from(login).toString('base64')}`;
    this.#base = new URL(`${url.pathname.replace(/\/(api\/?)?$/, '')}/api/`, url.origin);
    this.#timeoutMs = options.timeoutMs;
  }

  async queues(virtualHost: string): Promise<readonly ManagedQueue[]> {
    const rows = await this.#get(`queues/${encodeURIComponent(virtualHost)}`);
    return rows.map((row) => ({
      name: text(row['name']),
      messages: count(row['messages']),
      ready: count(row['messages_ready']),
      unacknowledged: count(row['messages_unacknowledged']),
      consumers: count(row['consumers']),
    }));
  }

  async bindings(virtualHost: string): Promise<readonly ManagedBinding[]> {
    const rows = await this.#get(`bindings/${encodeURIComponent(virtualHost)}`);
    return rows.map((row) => ({ source: text(row['source']), destination: text(row['destination']), routingKey: text(row['routing_key']) }));
  }

  async #get(path: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const where = `RabbitMQ's management API at ${this.#base.origin}`;
    let answer: Response;
    try {
      const headers = { authorization: this.#authorization, accept: 'application/json' };
      answer = await fetch(new URL(path, this.#base), { headers, signal: AbortSignal.timeout(this.#timeoutMs) });
    } catch (error) {
      const cause = (error as Error).cause instanceof Error ? ((error as Error).cause as Error) : (error as Error);
      throw new OperationalError(
        `${where} cannot be reached: ${cause.message || cause.name}. Is the plugin on (rabbitmq-plugins enable rabbitmq_management), and is this its address?`,
        { cause: error },
      );
    }
    if (answer.status === 401 || answer.status === 403)
      throw new ImproperlyConfigured(`${where} refuses the login (${answer.status}): user and password are needed, and the tag management for that user`);
    if (answer.status === 404) throw new ImproperlyConfigured(`${where} knows no ${decodeURIComponent(path)}: is that the virtual host?`);
    if (!answer.ok) throw new OperationalError(`${where} answers ${answer.status} ${answer.statusText}`);
    const rows = (await answer.json().catch(() => undefined)) as unknown;
    if (!Array.isArray(rows)) throw new OperationalError(`${where} answers with something else than a list: is another service on that port?`);
    return rows as readonly Readonly<Record<string, unknown>>[];
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
/** A queue that was just made has no figures yet. */
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);
