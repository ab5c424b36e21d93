import type { AmqpChannel, AmqpMessage } from '../../clients/amqp/channel.ts';
import type { Fields } from '../../clients/amqp/methods.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import { nearest } from '../../kernel/nearest.ts';

/** An argument in its place. Who gives a fallback may be left out. */
interface Argument {
  readonly name: string;
  readonly type: 'text' | 'flag' | 'number';
  readonly fallback?: string;
}
interface AmqpCommand {
  readonly help: string;
  readonly args: readonly Argument[];
  /** Does it on the channel, and gives what there is to say beside OK. */
  run(channel: AmqpChannel, given: Given): Promise<string | undefined>;
}
interface Given {
  text(name: string): string;
  flag(name: string): boolean;
  number(name: string): number;
}

const text = (name: string): Argument => ({ name, type: 'text' });
const flag = (name: string): Argument => ({ name, type: 'flag', fallback: 'no' });

/** Celery's, with its arguments in its order (features.md 10.3). */
const COMMANDS: Readonly<Record<string, AmqpCommand>> = {
  'exchange.declare': {
    help: 'Make an exchange, or see that it is there with these properties.',
    args: [text('exchange'), text('type'), flag('passive'), flag('durable'), flag('auto_delete')],
    async run(channel, { text: of, flag: is }) {
      const fields = { exchange: of('exchange'), type: of('type'), passive: is('passive'), durable: is('durable'), autoDelete: is('auto_delete') };
      await channel.call('exchange.declare', fields, 'exchange.declare-ok');
      return undefined;
    },
  },
  'exchange.delete': {
    help: 'Delete an exchange.',
    args: [text('exchange'), flag('if_unused')],
    async run(channel, { text: of, flag: is }) {
      await channel.call('exchange.delete', { exchange: of('exchange'), ifUnused: is('if_unused') }, 'exchange.delete-ok');
      return undefined;
    },
  },
  'queue.bind': {
    help: 'Bind a queue to an exchange.',
    args: [text('queue'), text('exchange'), text('routing_key')],
    async run(channel, { text: of }) {
      await channel.call('queue.bind', { queue: of('queue'), exchange: of('exchange'), routingKey: of('routing_key') }, 'queue.bind-ok');
      return undefined;
    },
  },
  'queue.declare': {
    help: 'Make a queue, or look at one (passive=yes): tells its messages and consumers.',
    args: [text('queue'), flag('passive'), flag('durable'), flag('auto_delete')],
    async run(channel, { text: of, flag: is }) {
      const asked = { queue: of('queue'), passive: is('passive'), durable: is('durable'), autoDelete: is('auto_delete') };
      const { queue, messageCount, consumerCount } = (await channel.call('queue.declare', asked, 'queue.declare-ok')).fields as Fields<'queue.declare-ok'>;
      return `queue:${queue} messages:${messageCount} consumers:${consumerCount}`;
    },
  },
  'queue.delete': {
    help: 'Delete a queue, and say how many messages were in it.',
    args: [text('queue'), flag('if_unused'), flag('if_empty')],
    async run(channel, { text: of, flag: is }) {
      const { fields } = await channel.call('queue.delete', { queue: of('queue'), ifUnused: is('if_unused'), ifEmpty: is('if_empty') }, 'queue.delete-ok');
      return `${(fields as Fields<'queue.delete-ok'>).messageCount} messages deleted.`;
    },
  },
  'queue.purge': {
    help: 'Delete the messages that wait in a queue, and say how many.',
    args: [text('queue')],
    async run(channel, { text: of }) {
      const { fields } = await channel.call('queue.purge', { queue: of('queue') }, 'queue.purge-ok');
      return `${(fields as Fields<'queue.purge-ok'>).messageCount} messages deleted.`;
    },
  },
  'basic.get': {
    help: 'Take one message and show it. Without no_ack it goes back when the connection ends, unless basic.ack follows.',
    args: [text('queue'), flag('no_ack')],
    async run(channel, { text: of, flag: is }) {
      const message = await channel.get(of('queue'));
      if (message === undefined) return 'No messages in queue. basic.publish something.';
      if (is('no_ack')) channel.send('basic.ack', { deliveryTag: message.deliveryTag });
      return shownMessage(message);
    },
  },
  'basic.publish': {
    help: 'Send a text as a message, and wait until the broker has it. mandatory: some queue must take it.',
    args: [text('msg'), text('exchange'), text('routing_key'), flag('mandatory'), flag('immediate')],
    async run(channel, { text: of, flag: is }) {
      if (is('immediate')) throw new ImproperlyConfigured('basic.publish: RabbitMQ has no immediate messages since 3.0; leave it out');
      await channel.publish(of('exchange'), of('routing_key'), {}, Buffer.from(of('msg')), { mandatory: is('mandatory') });
      return undefined;
    },
  },
  'basic.ack': {
    help: 'Acknowledge a message that basic.get has shown in this session.',
    args: [{ name: 'delivery_tag', type: 'number' }],
    async run(channel, { number: of }) {
      channel.send('basic.ack', { deliveryTag: of('delivery_tag') });
      // It has no answer of its own; a tag that is none closes the channel, and the answer to this.
      await channel.call('basic.qos', { prefetchCount: 0 }, 'basic.qos-ok');
      return undefined;
    },
  },
};

/** Runs `words`: the command's name and its arguments. Throws ImproperlyConfigured over wrong words before anything is sent, and what the broker says. */
export function runAmqpCommand(channel: AmqpChannel, words: readonly string[]): Promise<string | undefined> {
  const { command, given } = readAmqpCommand(words);
  return command.run(channel, given);
}

/** What is wrong with these words is said here. */
export function readAmqpCommand([name = '', ...words]: readonly string[]): { readonly command: AmqpCommand; readonly given: Given } {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const meant = nearest(name, Object.keys(COMMANDS));
    throw new ImproperlyConfigured(
      `There is no amqp command "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`} There are: ${Object.keys(COMMANDS).join(', ')}.`,
    );
  }
  const usage = `Usage: ${usageOf(name, command)}`;
  if (words.length > command.args.length)
    throw new ImproperlyConfigured(`${name}: too many arguments (${words.slice(command.args.length).join(' ')}). ${usage}`);
  const values = new Map<string, string>();
  for (const [i, { name: argument, type, fallback }] of command.args.entries()) {
    const value = words[i] ?? fallback;
    if (value === undefined) throw new ImproperlyConfigured(`${name}: <${argument}> is missing. ${usage}`);
    if ((type === 'flag' && !FLAG.test(value)) || (type === 'number' && !/^\d{1,15}$/.test(value)))
      throw new ImproperlyConfigured(`${name}: ${argument} should be ${type === 'flag' ? 'yes or no' : 'a whole number'}, but is "${value}". ${usage}`);
    values.set(argument, value);
  }
  const given: Given = {
    text: (argument) => values.get(argument)!,
    flag: (argument) => /^(yes|y|true|t|on|1)$/i.test(values.get(argument)!),
    number: (argument) => Number(values.get(argument)),
  };
  return { command, given };
}
const FLAG = /^(yes|y|true|t|on|1|no|n|false|f|off|0)$/i;

/** Every command in a line or two. */
export function amqpHelp(): string {
  return Object.entries(COMMANDS)
    .map(([name, command]) => `${usageOf(name, command)}\n    ${command.help}`)
    .join('\n');
}

const usageOf = (name: string, { args }: AmqpCommand): string =>
  [name, ...args.map(({ name: argument, fallback }) => (fallback === undefined ? `<${argument}>` : `[${argument}=${fallback}]`))].join(' ');

/** With AMQP's own names, as Celery shows it. What is no text is shown in base64. */
function shownMessage({ body, bodyBytes, properties, deliveryTag, redelivered, exchange, routingKey }: AmqpMessage): string {
  const named = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name === 'headers' ? 'application_headers' : name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]);
  const message = {
    body: body === undefined ? `(${bodyBytes} bytes: larger than brokerMaxMessageBytes)` : readable(body),
    properties: Object.fromEntries(named) as object,
    delivery_info: { delivery_tag: deliveryTag, redelivered, exchange, routing_key: routingKey },
  };
  return JSON.stringify(message, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2);
}

function readable(body: string | Uint8Array): string {
  if (typeof body === 'string') return body;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return Buffer.from(body).toString('base64');
  }
}
