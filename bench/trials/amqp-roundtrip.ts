// One message at a time to another process and back, by our client alone: what celeriac's round trip is compared with. --side=server is that other process.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AmqpMessage } from '../../dist/clients/amqp/channel.js';
import { connect, QUEUE, taskBody, taskProperties } from './amqp-client.ts';
import { answer, argument, measure, number, percentile, WARM_UP } from './measure.ts';

const channel = await (await connect()).openChannel();
await channel.call('queue.declare', { queue: QUEUE, durable: true }, 'queue.declare-ok');
const lost = (): never => {
  throw new Error('the consumer was cancelled');
};
if (argument('side', 'client') === 'server') await serve();
else await ask();

async function serve(): Promise<void> {
  const onMessage = ({ deliveryTag, properties, body }: AmqpMessage): void => {
    channel.send('basic.ack', { deliveryTag });
    const [[x, y]] = JSON.parse(String(body)) as [[number, number]];
    const reply = Buffer.from(JSON.stringify({ task_id: properties.correlationId, status: 'SUCCESS', result: x + y, traceback: null, children: [] }));
    void channel.publish('', properties.replyTo!, { contentType: 'application/json', correlationId: properties.correlationId }, reply);
  };
  await channel.consume(QUEUE, { onMessage, onCancelled: lost });
}

async function ask(): Promise<void> {
  const n = number('n', 1000);
  const server = spawn(process.execPath, [fileURLToPath(import.meta.url), '--side=server'], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => server.kill('SIGKILL'));
  const replies = 'bench.replies';
  await channel.call('queue.declare', { queue: replies, durable: true, autoDelete: true }, 'queue.declare-ok');
  let onReply: ((message: AmqpMessage) => void) | undefined;
  await channel.consume(replies, { onMessage: (message) => onReply?.(message), onCancelled: lost }, { noAck: true });
  const times: number[] = [];
  const once = async (i: number): Promise<void> => {
    const started = performance.now();
    const replied = new Promise<AmqpMessage>((resolve) => (onReply = resolve));
    await channel.publish('', QUEUE, taskProperties(i, replies), taskBody(i));
    const { result } = JSON.parse(String((await replied).body)) as { result: number };
    if (result !== i + 1) throw new Error('wrong result');
    times.push(performance.now() - started);
  };
  for (let i = 0; i < WARM_UP; i++) await once(i);
  times.length = 0;
  answer(
    await measure(n, null, async () => {
      for (let i = 0; i < n; i++) await once(i);
      return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
    }),
  );
}
