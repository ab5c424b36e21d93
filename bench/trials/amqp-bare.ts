// What RabbitMQ and our client allow at best: consumes tasks that celeriac sent, and acknowledges all that came in one tick with one word.
import { spawnSync } from 'node:child_process';
import { connect, QUEUE } from './amqp-client.ts';
import { answer, argument, measure, number } from './measure.ts';

const n = number('n', 50_000);
const fill = [new URL('celeriac-fill.js', import.meta.url).pathname, `--n=${n}`];
if (spawnSync(process.execPath, fill, { stdio: 'inherit' }).status !== 0) throw new Error('filling failed');
const channel = await (await connect()).openChannel();
// Counted by the queue: a limit of the whole channel (--qos=channel) costs the broker more.
await channel.call('basic.qos', { prefetchCount: number('prefetch', 400), global: argument('qos', 'consumer') === 'channel' }, 'basic.qos-ok');
answer(
  await measure(n, null, async () => {
    let taken = 0;
    let last = 0;
    let isAcking = false;
    await new Promise<void>((resolve, reject) => {
      const ack = (): void => {
        isAcking = false;
        channel.send('basic.ack', { deliveryTag: last, multiple: true });
        if (taken === n) resolve();
      };
      const onMessage = ({ deliveryTag }: { readonly deliveryTag: number }): void => {
        taken += 1;
        last = deliveryTag;
        if (isAcking) return;
        isAcking = true;
        setImmediate(ack);
      };
      channel.consume(QUEUE, { onMessage, onCancelled: () => reject(new Error('the consumer was cancelled')) }).catch(reject);
    });
  }),
);
