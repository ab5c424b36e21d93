import { readFileSync } from 'node:fs';
import { ImproperlyConfigured } from '../errors.ts';
import { maskUrl, schemeOf } from '../kernel/broker-url.ts';
import type { TlsOptions } from './tls.ts';

/** Kombu's transport options, as users give them. */
type Options = Readonly<Record<string, unknown>>;

/** Where a Redis server is, or who knows where it is (sentinels), and how to be let in. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** A Unix socket; host and port do not count then. */
  readonly path: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: TlsOptions | undefined;
  readonly sentinel: SentinelAddress | undefined;
  /** The URL without its secrets, for errors and logs. */
  readonly shown: string;
}
export interface SentinelAddress {
  readonly masterName: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/**
 * Reads `redis://`, `rediss://`, `redis+socket://` and `sentinel://` as kombu and Celery do. `master_name` and `sentinel_kwargs` come from the transport options.
 * @throws ImproperlyConfigured naming the URL (masked), what was expected and what came.
 */
export function redisAddress(url: URL, options: { readonly transportOptions: Options; readonly tls?: boolean | TlsOptions | undefined }): RedisAddress {
  const scheme = schemeOf(url);
  const shown = maskUrl(url);
  const isSocket = scheme === 'redis+socket';
  const query = url.searchParams;
  return {
    host: url.hostname === '' ? '127.0.0.1' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (scheme === 'sentinel' ? 26_379 : 6379) : Number(url.port),
    path: isSocket ? decodeURIComponent(url.hostname === '' ? url.pathname : `/${url.hostname}${url.pathname}`) : undefined,
    // A URL without a host has no place for them but the query.
    username: text(isSocket ? (query.get('username') ?? '') : decodeURIComponent(url.username)),
    password: text(isSocket ? (query.get('password') ?? '') : decodeURIComponent(url.password)),
    db: database(isSocket ? (query.get('virtual_host') ?? query.get('db') ?? '') : url.pathname, shown),
    tls: tlsOf(scheme, query, options.tls, shown),
    sentinel: scheme === 'sentinel' ? sentinelOf(url, options.transportOptions, shown) : undefined,
    shown,
  };
}

const text = (given: string): string | undefined => (given === '' ? undefined : given);

function database(path: string, shown: string): number {
  const given = path.replace(/^\/+/, '');
  if (given === '') return 0;
  // The rest of a password whose slash is not escaped: it must not be shown.
  if (given.includes('@'))
    throw new ImproperlyConfigured(
      `${shown}: the path of a Redis URL is the number of a database (redis://host:6379/0), and has no @. In a password / is written %2F`,
    );
  if (!/^\d+$/.test(given))
    throw new ImproperlyConfigured(`${shown}: the path of a Redis URL is the number of a database (redis://host:6379/0), not ${JSON.stringify(given)}`);
  return Number(given);
}

function sentinelOf(url: URL, transportOptions: Options, shown: string): SentinelAddress {
  const masterName = transportOptions['master_name'] ?? url.searchParams.get('master_name');
  if (typeof masterName !== 'string' || masterName === '')
    throw new ImproperlyConfigured(`${shown}: sentinels must be asked for a master by name: set "master_name" in the transport options`);
  const others = (url.searchParams.get('sentinels') ?? '').split(',').filter((host) => host !== '');
  const login = transportOptions['sentinel_kwargs'] as Options | undefined;
  return {
    masterName,
    hosts: [url.host, ...others].map((host) => {
      const { hostname, port } = new URL(`redis://${host}`);
      return { host: hostname === '' ? '127.0.0.1' : hostname, port: port === '' ? 26_379 : Number(port) };
    }),
    username: typeof login?.['username'] === 'string' ? login['username'] : undefined,
    password: typeof login?.['password'] === 'string' ? login['password'] : undefined,
  };
}

/** TLS from the scheme, from Celery's query parameters (`ssl_cert_reqs`, `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`), and from the setting, which wins. */
function tlsOf(scheme: string, query: URLSearchParams, given: boolean | TlsOptions | undefined, shown: string): TlsOptions | undefined {
  const isAsked = scheme === 'rediss' || (given !== undefined && given !== false);
  const names = [...query.keys()].filter((name) => name.startsWith('ssl_'));
  if (!isAsked) {
    if (names.length > 0) throw new ImproperlyConfigured(`${shown}: ${names.join(', ')} given, but redis:// is not encrypted: write rediss://`);
    return undefined;
  }
  const file = (name: string): Uint8Array | undefined => {
    const path = query.get(name);
    return path === null ? undefined : readFileSync(path);
  };
  const fromQuery: TlsOptions = {
    ca: file('ssl_ca_certs'),
    cert: file('ssl_certfile'),
    key: file('ssl_keyfile'),
    rejectUnauthorized: mustVerify(query.get('ssl_cert_reqs'), shown),
  };
  return { ...fromQuery, ...(typeof given === 'object' ? given : {}) };
}

function mustVerify(requirement: string | null, shown: string): boolean {
  switch (requirement?.toLowerCase().replace(/^cert_/, '')) {
    case undefined:
    case 'required':
      return true;
    case 'optional':
    case 'none':
      return false;
    default:
      throw new ImproperlyConfigured(`${shown}: ssl_cert_reqs must be required, optional or none, not ${JSON.stringify(requirement)}`);
  }
}
