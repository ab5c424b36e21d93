import type { AmqpOptions } from '../../clients/amqp/connection.ts';
import type { Mechanism } from '../../clients/amqp/sasl.ts';
import type { TlsOptions } from '../../clients/tls.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import type { ConnectOptions } from '../transport.ts';

const MECHANISMS: readonly string[] = ['PLAIN', 'AMQPLAIN', 'EXTERNAL'];

/** What the client needs of a broker URL and its options. An empty path is the virtual host `/`, as in kombu; `/%2Fname` is `/name`. */
export function amqpOptions(options: ConnectOptions): AmqpOptions {
  const { url, transportOptions } = options;
  const isTls = url.protocol === 'amqps:' || (options.tls !== undefined && options.tls !== false);
  const login = transportOptions['login_method'] ?? 'PLAIN';
  if (typeof login !== 'string' || !MECHANISMS.includes(login))
    throw new ImproperlyConfigured(`the login method ${JSON.stringify(login)} is unknown; expected one of ${MECHANISMS.join(', ')}`);
  return {
    host: decodeURIComponent(url.hostname === '' ? '127.0.0.1' : url.hostname).replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 5671 : 5672) : Number(url.port),
    username: url.username === '' ? 'guest' : decodeURIComponent(url.username),
    password: url.password === '' && url.username === '' ? 'guest' : decodeURIComponent(url.password),
    mechanism: login as Mechanism,
    virtualHost: decodeURIComponent(url.pathname.slice(1)) || '/',
    tls: isTls ? (typeof options.tls === 'object' ? options.tls : ({} satisfies TlsOptions)) : undefined,
    name: `celeriac/${options.hostname ?? ''}/${options.role}`,
    clock: options.clock,
    timeoutMs: options.timeoutMs,
    heartbeatMs: options.heartbeatMs,
    maxMessageBytes: options.maxMessageBytes,
    signal: options.signal,
  };
}
