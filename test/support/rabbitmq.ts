import { afterAll } from 'vitest';

const SERVER = process.env['CELERIAC_TEST_AMQP'];
const MANAGEMENT = process.env['CELERIAC_TEST_AMQP_MANAGEMENT'];

/** The reason why RabbitMQ cannot be had here. */
export const noRabbit: string | undefined =
  SERVER === undefined || MANAGEMENT === undefined
    ? 'CELERIAC_TEST_AMQP and CELERIAC_TEST_AMQP_MANAGEMENT are not set (npm test sets them where it can)'
    : undefined;

/** A virtual host of the test file's own on the real server, gone afterwards with all that is in it. Undefined where there is no server. */
export async function rabbitVhost(): Promise<RabbitVhost | undefined> {
  if (noRabbit !== undefined) return undefined;
  const name = `celeriac-${crypto.randomUUID()}`;
  await management('PUT', `/api/vhosts/${name}`);
  await management('PUT', `/api/permissions/${name}/guest`, { configure: '.*', write: '.*', read: '.*' });
  afterAll(() => management('DELETE', `/api/vhosts/${name}`));
  return { name, url: `${SERVER}/${name}`, port: Number(new URL(SERVER!).port) };
}

export interface RabbitVhost {
  readonly name: string;
  readonly url: string;
  /** The server's, for a proxy before it. */
  readonly port: number;
}

/** Asks RabbitMQ's management API. */
export async function management(method: string, path: string, body?: object): Promise<unknown> {
  const { username, password, origin } = new URL(MANAGEMENT!);
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
