import { addressOf } from '../../clients/amqp/address.ts';
import type { AmqpOptions } from '../../clients/amqp/connection.ts';
import type { ConnectOptions } from '../transport.ts';

/** What the client needs of a broker URL and its options. */
export function amqpOptions(options: ConnectOptions): AmqpOptions {
  const { url, tls, transportOptions } = options;
  return {
    ...addressOf(url, { tls, loginMethod: transportOptions['login_method'] }),
    name: `celeriac/${options.hostname ?? ''}/${options.role}`,
    clock: options.clock,
    timeoutMs: options.timeoutMs,
    heartbeatMs: options.heartbeatMs,
    maxMessageBytes: options.maxMessageBytes,
    signal: options.signal,
  };
}
