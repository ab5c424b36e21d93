import type { AppCore } from '../app/core.ts';
import { RabbitMqManagement } from '../clients/rabbitmq-management.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { durationMs } from '../kernel/duration.ts';
import { maskUrl } from '../kernel/broker-url.ts';

const DEFAULT_PORT = 15_672;
/** kombu's names, in `brokerTransportOptions`. */
const OPTIONS = ['manager_hostname', 'manager_port', 'manager_userid', 'manager_password'] as const;

/** The management API of a RabbitMQ broker. */
export interface Management {
  readonly api: RabbitMqManagement;
  readonly virtualHost: string;
  /** Whether somebody has said where it is; else it is where RabbitMQ puts it. */
  readonly isConfigured: boolean;
}

/**
 * From `--broker-api`, else from `manager_hostname`, `manager_port`, `manager_userid`, `manager_password` in `brokerTransportOptions`, as kombu reads them;
 * what these leave out is the broker's own. Undefined where the broker is not RabbitMQ.
 */
export function managementOf(core: AppCore, given: string | undefined): Management | undefined {
  const broker = core.brokerUrls[0]!;
  if (!/^(amqps?|pyamqp):$/.test(broker.protocol)) {
    if (given !== undefined) throw new ImproperlyConfigured(`--broker-api is for RabbitMQ, and the broker is ${maskUrl(broker)}`);
    return undefined;
  }
  const options = core.settings.brokerTransportOptions as Readonly<Record<string, unknown>>;
  const url = given === undefined ? urlOf(broker, options) : readUrl(given);
  if (url.username === '') {
    url.username = broker.username || 'guest';
    url.password = broker.username === '' ? 'guest' : broker.password;
  }
  return {
    api: new RabbitMqManagement(url, { timeoutMs: durationMs(core.settings.brokerConnectionTimeout) ?? 4000 }),
    virtualHost: decodeURIComponent(broker.pathname.slice(1)) || '/',
    isConfigured: given !== undefined || OPTIONS.some((name) => options[name] !== undefined),
  };
}

function urlOf(broker: URL, options: Readonly<Record<string, unknown>>): URL {
  const option = (name: (typeof OPTIONS)[number]): string | undefined => {
    const value = options[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new ImproperlyConfigured(`brokerTransportOptions: ${name} should be a text or a number, but is of type ${typeof value}`);
    return String(value);
  };
  const url = new URL('http://localhost');
  url.hostname = option('manager_hostname') ?? (broker.hostname || '127.0.0.1');
  url.port = option('manager_port') ?? String(DEFAULT_PORT);
  const user = option('manager_userid');
  if (user !== undefined) url.username = encodeURIComponent(user);
  else url.username = broker.username;
  const password = option('manager_password');
  if (password !== undefined) url.password = encodeURIComponent(password);
  else url.password = broker.password;
  return url;
}

function readUrl(text: string): URL {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new ImproperlyConfigured(`--broker-api should be a URL such as http://user:password@localhost:${DEFAULT_PORT}, but is ${maskUrl(text)}`);
  return new URL(text);
}
