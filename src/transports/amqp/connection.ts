import type { AmqpChannel } from '../../clients/amqp/channel.ts';
import { AmqpConnection } from '../../clients/amqp/connection.ts';
import { AmqpReplyError } from '../../clients/amqp/errors.ts';
import { ImproperlyConfigured, OperationalError } from '../../errors.ts';
import { Emitter } from '../../kernel/emitter.ts';
import type { BrokerConnection, Channel, ConnectOptions } from '../transport.ts';
import { AmqpBrokerChannel } from './channel.ts';
import { amqpOptions } from './options.ts';
import { qosOf } from './qos.ts';

const ACCESS_REFUSED = 403;
const NOT_ALLOWED = 530;

/** Opens a connection. Refused credentials or virtual hosts are ImproperlyConfigured: trying again would not help. Everything else is OperationalError. */
export async function openConnection(options: ConnectOptions): Promise<BrokerConnection> {
  const target = amqpOptions(options);
  const connection = await AmqpConnection.open(target).catch((error: unknown) => {
    if (error instanceof AmqpReplyError && (error.replyCode === ACCESS_REFUSED || error.replyCode === NOT_ALLOWED)) {
      throw new ImproperlyConfigured(
        `RabbitMQ at ${target.host}:${target.port} refuses the user ${JSON.stringify(target.username)} or the virtual host ${JSON.stringify(target.virtualHost)}: ${error.message}`,
        { cause: error },
      );
    }
    throw new OperationalError(error instanceof Error ? error.message : String(error), { cause: error });
  });
  return new AmqpBrokerConnection(connection, options);
}

class AmqpBrokerConnection implements BrokerConnection {
  readonly closed: Promise<Error | undefined>;
  readonly #connection: AmqpConnection;
  readonly #blocked: Emitter<string | undefined>;

  constructor(connection: AmqpConnection, options: ConnectOptions) {
    this.#connection = connection;
    this.#blocked = new Emitter((error) => options.log.error('a listener for blocked connections failed', { error }));
    connection.onBlocked((reason) => {
      options.log.warn(reason === undefined ? 'RabbitMQ takes messages again' : `RabbitMQ takes no messages for now: ${reason}`);
      this.#blocked.emit(reason);
    });
    this.closed = connection.closed.then((reason) => (reason === undefined ? undefined : new OperationalError(reason.message, { cause: reason })));
    if (options.role !== 'worker') connection.unref();
  }

  async openChannel(): Promise<Channel> {
    return new AmqpBrokerChannel(await this.#openChannel(), () => this.#openChannel(), qosOf(this.#connection.serverProperties));
  }

  /** A connection that is lost while it opens a channel is one to try again, like any other. */
  #openChannel(): Promise<AmqpChannel> {
    return this.#connection.openChannel().catch((error: unknown) => {
      throw new OperationalError(error instanceof Error ? error.message : String(error), { cause: error });
    });
  }

  onBlocked(listener: (reason: string | undefined) => void): Disposable {
    return this.#blocked.on(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
