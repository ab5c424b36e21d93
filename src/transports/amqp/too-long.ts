import { AmqpReplyError } from '../../clients/amqp/errors.ts';
import { PreconditionFailed } from '../../errors.ts';
import type { WireMessage } from '../../protocol/wire-message.ts';
import { bytesOf } from '../../serialization/body.ts';

const TOO_LONG = /message size \d+B? is larger than configured max size (\d+)/;

/**
 * RabbitMQ closes the channel over a message longer than its `max_message_size`, and with it goes whatever else was on its way there. The one at fault
 * must not be sent again; undefined for the others, which may.
 */
export function tooLong(error: unknown, { body }: WireMessage): PreconditionFailed | undefined {
  const max = error instanceof AmqpReplyError ? TOO_LONG.exec(error.message)?.[1] : undefined;
  if (max === undefined) return undefined;
  const bytes = bytesOf(body).length;
  if (bytes <= Number(max)) return undefined;
  return new PreconditionFailed(`a message of ${bytes} bytes is longer than the broker takes: its max_message_size is ${max}`, { cause: error });
}
