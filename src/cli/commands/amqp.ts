import { coreOf } from '../../app/core.ts';
import { ImproperlyConfigured } from '../../errors.ts';
import { maskText } from '../../kernel/broker-url.ts';
import { amqpHelp, readAmqpCommand, runAmqpCommand } from '../amqp/commands.ts';
import { AmqpSession } from '../amqp/session.ts';
import { wordsOf } from '../amqp/words.ts';
import { defineCommand, exitCodes, type Call } from '../command.ts';

export const amqp = defineCommand<object>({
  name: 'amqp',
  help: 'Speak AMQP with the broker: one command, or without one a prompt for many.',
  examples: [
    '-A tasks amqp',
    '-A tasks amqp queue.declare celery yes',
    "-b amqp://localhost amqp basic.publish 'a text' celery celery",
    'amqp basic.get celery',
    'amqp help',
  ],
  define: (command) =>
    void command
      .argument(
        '[command]',
        'exchange.declare, exchange.delete, queue.bind, queue.declare, queue.delete, queue.purge, basic.get, basic.publish, basic.ack, repl; help explains them.',
      )
      .argument('[arguments...]', 'Its arguments, in their order. Flags are yes or no.'),
  async run(call) {
    const [name] = call.args;
    if (name === 'help') {
      call.context.print(amqpHelp());
      return exitCodes.ok;
    }
    const isOne = name !== undefined && name !== 'repl';
    // Wrong words need no broker to be told.
    if (isOne) readAmqpCommand(call.args);
    const app = await call.context.app();
    const { context } = call;
    const core = coreOf(app);
    try {
      await using session = new AmqpSession(core, (text) => {
        if (context.global.quiet !== true) context.print(text);
      });
      return isOne ? await once(call, session) : await prompt(call, session);
    } finally {
      await app.close();
    }
  },
});

async function once({ args, context }: Call<object>, session: AmqpSession): Promise<number> {
  const channel = await session.channel();
  let said: string | undefined;
  try {
    said = await runAmqpCommand(channel, args);
  } catch (error) {
    context.terminal.err(`Error: ${maskText((error as Error).message)}\n`);
    return exitCodes.failure;
  }
  if (said !== undefined) context.print(said);
  context.print('OK');
  return exitCodes.ok;
}

/** Line by line, until the input ends. What fails is said, and the next line has a channel again. */
async function prompt({ context }: Call<object>, session: AmqpSession): Promise<number> {
  const { lines } = context.terminal;
  if (lines === undefined) throw new ImproperlyConfigured('there is nobody here to type commands: name one, such as: amqp queue.declare celery yes');
  await session.channel();
  for await (const line of lines('amqp> ')) {
    try {
      const words = wordsOf(line);
      if (words.length === 0) continue;
      if (words[0] === 'exit' || words[0] === 'quit') break;
      if (words[0] === 'help' || words[0] === '?') {
        context.print(amqpHelp());
        continue;
      }
      readAmqpCommand(words);
      const said = await runAmqpCommand(await session.channel(), words);
      if (said !== undefined) context.print(said);
      context.print('OK');
    } catch (error) {
      context.print(`ERROR: ${maskText((error as Error).message)}`);
    }
  }
  return exitCodes.ok;
}
