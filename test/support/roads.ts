import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noRabbit, rabbitVhost } from './rabbitmq.ts';

/** A broker with a result store to try whole programs on; each call gives one of its own. */
export interface Road {
  readonly name: string;
  /** The reason why it cannot be had here. */
  readonly skip?: string;
  /** Results are sent with the message's end, not stored: nobody can be told of a task whose message no worker holds. */
  readonly sendsResults?: true;
  open(): { readonly broker: string; readonly backend: string; close(): void };
}

const REDIS = process.env['CELERIAC_TEST_REDIS'];
const noRedis = REDIS === undefined ? 'CELERIAC_TEST_REDIS is not set' : undefined;
const rabbit = await rabbitVhost();

const skipped = (...reasons: readonly (string | undefined)[]): { readonly skip?: string } => {
  const reason = reasons.find((one) => one !== undefined);
  return reason === undefined ? {} : { skip: reason };
};

/** Settings cannot name a prefix for all keys of broker and results alike, so each opening gets queue names of its own instead: see `queueName`. */
export const roads: readonly Road[] = [
  {
    name: 'memory',
    open() {
      const name = crypto.randomUUID();
      return { broker: `memory://${name}`, backend: `memory://${name}`, close: () => undefined };
    },
  },
  {
    name: 'sqlite',
    open() {
      const folder = mkdtempSync(join(tmpdir(), 'celeriac-worker-'));
      const url = `sqlite:///${join(folder, 'tasks.db')}`;
      return { broker: url, backend: url, close: () => rmSync(folder, { recursive: true, force: true }) };
    },
  },
  {
    name: 'redis',
    ...skipped(noRedis),
    open: () => ({ broker: `${REDIS}/9`, backend: `${REDIS}/9`, close: () => undefined }),
  },
  {
    name: 'amqp, results in redis',
    ...skipped(noRabbit, noRedis),
    open: () => ({ broker: rabbit!.url, backend: `${REDIS}/9`, close: () => undefined }),
  },
  {
    name: 'amqp, results by rpc',
    sendsResults: true,
    ...skipped(noRabbit),
    open: () => ({ broker: rabbit!.url, backend: 'rpc://', close: () => undefined }),
  },
];

export const queueName = (): string => `q-${crypto.randomUUID().slice(0, 8)}`;
