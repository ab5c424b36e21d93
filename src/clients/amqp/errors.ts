/** The bytes that came, or that should go, are not AMQP 0-9-1. */
export class AmqpSyntaxError extends Error {
  override readonly name = 'AmqpSyntaxError';
}

/** The broker closed the channel or connection: its reply code and text, and the method it complains of. */
export class AmqpReplyError extends Error {
  override readonly name = 'AmqpReplyError';
  readonly replyCode: number;
  /** Whether the whole connection is gone, or one channel. */
  readonly scope: 'connection' | 'channel';

  constructor(scope: 'connection' | 'channel', replyCode: number, replyText: string, method: string) {
    super(`${replyText} (${replyCode}${method === '' ? '' : `, answering ${method}`})`);
    this.scope = scope;
    this.replyCode = replyCode;
  }
}

/** The connection is gone without a word: socket error, end of stream, missed heartbeats, or a close of ours. */
export class AmqpConnectionLost extends Error {
  override readonly name = 'AmqpConnectionLost';
}
