import { ImproperlyConfigured } from '../../errors.ts';
import type { TlsOptions } from '../tls.ts';
import type { AmqpOptions } from './connection.ts';
import type { Mechanism } from './sasl.ts';

const MECHANISMS: readonly string[] = ['PLAIN', 'AMQPLAIN', 'EXTERNAL'];

/** Where to connect to and as whom, from a broker's URL. An empty path is the virtual host `/`, as in kombu; `/%2Fname` is `/name`. */
export function addressOf(
  url: URL,
  options: { readonly tls?: boolean | TlsOptions | undefined; readonly loginMethod?: unknown },
): Pick<AmqpOptions, 'host' | 'port' | 'username' | 'password' | 'mechanism' | 'virtualHost' | 'tls'> {
  const isTls = url.protocol === 'amqps:' || (options.tls !== undefined && options.tls !== false);
  const login = options.loginMethod ?? 'PLAIN';
  if (typeof login !== 'string' || !MECHANISMS.includes(login))
    throw new ImproperlyConfigured(`the login method ${JSON.stringify(login)} is unknown; expected one of ${MECHANISMS.join(', ')}`);
  return {
    host: decodeURIComponent(url.hostname === '' ? '127.0.0.1' : url.hostname).replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 5671 : 5672) : Number(url.port),
    username: url.username === '' ? 'guest' : decodeURIComponent(url.username),
    password: url.password === '' && url.username === '' ? 'guest' : decodeURIComponent(url.password),
    mechanism: login as Mechanism,
    virtualHost: decodeURIComponent(url.pathname.slice(1)) || '/',
    tls: isTls ? (typeof options.tls === 'object' ? options.tls : {}) : undefined,
  };
}
