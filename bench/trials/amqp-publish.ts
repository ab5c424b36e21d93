// Confirmed publishing of persistent tasks into a durable queue, so many in flight: --client=ours|amqplib|rabbitmq-client|cloudamqp.
import { randomUUID } from 'node:crypto';
import { AMQPClient } from '@cloudamqp/amqp-client';
import { connect as connectAmqplib } from 'amqplib';
import { Connection } from 'rabbitmq-client';
import { brokerUrl, connect, QUEUE, taskBody, taskHeaders, taskProperties } from './amqp-client.ts';
import { answer, argument, measure, number } from './measure.ts';

type Publish = (i: number) => Promise<unknown>;
const clients: Record<string, () => Promise<Publish>> = {
  async ours() {
    const channel = await (await connect()).openChannel();
    await channel.call('queue.declare', { queue: QUEUE, durable: true }, 'queue.declare-ok');
    return (i) => channel.publish('', QUEUE, taskProperties(i), taskBody(i));
  },
  async amqplib() {
    const channel = await (await connectAmqplib(brokerUrl, { noDelay: true })).createConfirmChannel();
    await channel.assertQueue(QUEUE, { durable: true });
    return (i) => {
      const { headers, correlationId } = taskProperties(i);
      const options = {
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers,
        deliveryMode: 2,
        priority: 0,
        correlationId: correlationId!,
        replyTo: '',
      };
      return new Promise<void>((resolve, reject) => {
        channel.publish('', QUEUE, taskBody(i), options, (error: unknown) => (error === null || error === undefined ? resolve() : reject(error as Error)));
      });
    };
  },
  async 'rabbitmq-client'() {
    const channel = await new Connection({ url: brokerUrl, noDelay: true }).acquire();
    await channel.confirmSelect();
    await channel.queueDeclare({ queue: QUEUE, durable: true });
    return (i) => {
      const id = randomUUID();
      const envelope = {
        routingKey: QUEUE,
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers: taskHeaders(id, i),
        durable: true,
        priority: 0,
        correlationId: id,
        replyTo: '',
      };
      return channel.basicPublish(envelope, taskBody(i));
    };
  },
  async cloudamqp() {
    const client = new AMQPClient(brokerUrl);
    const channel = await (await client.connect()).channel();
    client.socket?.setNoDelay(true);
    await channel.confirmSelect();
    await channel.queueDeclare(QUEUE, { durable: true });
    return (i) => {
      const id = randomUUID();
      const properties = {
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        headers: taskHeaders(id, i),
        deliveryMode: 2,
        priority: 0,
        correlationId: id,
        replyTo: '',
      };
      return channel.basicPublish('', QUEUE, taskBody(i), properties);
    };
  },
};

const n = number('n', 30_000);
const inFlight = number('in-flight', 200);
const publish = await clients[argument('client', 'ours')]!();
const run = async (count: number): Promise<void> => {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await publish(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, one));
};
await run(5000);
answer(await measure(n, null, () => run(n)));
