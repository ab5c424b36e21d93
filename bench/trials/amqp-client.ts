// What the trials on RabbitMQ share: our own client without the rest of celeriac, and a message as Celery's producers write it.
import { randomUUID } from 'node:crypto';
import { AmqpConnection } from '../../dist/clients/amqp/connection.js';
import type { BasicProperties } from '../../dist/clients/amqp/properties.js';
import { systemClock } from '../../dist/kernel/clock.js';

export const QUEUE = 'celery';
export const brokerUrl = process.env['BENCH_BROKER']!;

export function connect(): Promise<AmqpConnection> {
  const url = new URL(brokerUrl);
  return AmqpConnection.open({
    host: url.hostname,
    port: Number(url.port),
    username: url.username,
    password: url.password,
    virtualHost: decodeURIComponent(url.pathname.slice(1)) || '/',
    name: 'celeriac/bench',
    clock: systemClock,
    timeoutMs: 5000,
    heartbeatMs: 0,
    maxMessageBytes: 1e8,
  });
}

export const taskBody = (i: number): Buffer => Buffer.from(`[[1, ${i}], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]`);

/** New for each message, as a producer of tasks makes them. */
export function taskProperties(i: number, replyTo = ''): BasicProperties {
  const id = randomUUID();
  return { contentType: 'application/json', contentEncoding: 'utf-8', headers: taskHeaders(id, i), deliveryMode: 2, priority: 0, correlationId: id, replyTo };
}

export const taskHeaders = (id: string, i: number) => ({
  lang: 'py',
  task: 'bench.add',
  id,
  shadow: null,
  eta: null,
  expires: null,
  group: null,
  group_index: null,
  retries: 0,
  timelimit: [null, null],
  root_id: id,
  parent_id: null,
  argsrepr: `(1, ${i})`,
  kwargsrepr: '{}',
  origin: 'gen4711@bench',
  ignore_result: false,
  replaced_task_nesting: 0,
  stamped_headers: null,
  stamps: {},
});
