import type { AppCore } from '../../app/core.ts';
import { addressOf } from '../../clients/amqp/address.ts';
import type { AmqpChannel } from '../../clients/amqp/channel.ts';
import { AmqpConnection } from '../../clients/amqp/connection.ts';
import { ImproperlyConfigured, OperationalError } from '../../errors.ts';
import { maskUrl } from '../../kernel/broker-url.ts';
import { durationMs } from '../../kernel/duration.ts';

/** One connection to the configured broker with one channel, which is opened anew when the broker has closed it. */
export class AmqpSession implements AsyncDisposable {
  readonly #core: AppCore;
  readonly #say: (text: string) => void;
  #connection: AmqpConnection | undefined;
  #channel: AmqpChannel | undefined;

  /** `say`: a line of what happens to the connection. */
  constructor(core: AppCore, say: (text: string) => void) {
    const url = core.brokerUrls[0]!;
    if (!/^(amqps?|pyamqp):$/.test(url.protocol)) {
      throw new ImproperlyConfigured(
        `the amqp command speaks AMQP, and the broker is ${maskUrl(url)}. For any broker there are: list queues, purge, inspect active_queues`,
      );
    }
    this.#core = core;
    this.#say = say;
  }

  /** Rejects with OperationalError when no broker can be reached. */
  async channel(): Promise<AmqpChannel> {
    if (this.#channel?.isOpen === true) return this.#channel;
    if (this.#connection === undefined) await this.#connect();
    try {
      return (this.#channel = await this.#connection!.openChannel());
    } catch {
      // The connection is gone, too.
      await this.#connect();
      return (this.#channel = await this.#connection!.openChannel());
    }
  }

  async #connect(): Promise<void> {
    const { brokerUrls, clock, settings } = this.#core;
    const transportOptions = settings.brokerTransportOptions as Readonly<Record<string, unknown>>;
    const failures: string[] = [];
    for (const url of brokerUrls) {
      this.#say(`-> connecting to ${maskUrl(url)}.`);
      const options = {
        ...addressOf(url, { tls: settings.brokerUseSsl as boolean, loginMethod: transportOptions['login_method'] ?? settings.brokerLoginMethod }),
        name: 'celeriac/amqp',
        clock,
        timeoutMs: durationMs(settings.brokerConnectionTimeout) ?? 4000,
        heartbeatMs: durationMs(settings.brokerHeartbeat) ?? 0,
        maxMessageBytes: settings.brokerMaxMessageBytes,
      };
      try {
        this.#connection = await AmqpConnection.open(options);
        return this.#say('-> connected.');
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    throw new OperationalError(failures.join('; '));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close();
  }
}
