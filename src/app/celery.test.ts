import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { AlreadyRegistered, ImproperlyConfigured, ValidationError } from '../errors.ts';
import type { Dispatch, TaskHost } from '../execution/host.ts';
import type { Logger } from '../kernel/logger.ts';
import { silentLogger } from '../kernel/logger.ts';
import { transport as memoryTransport } from '../transports/memory/index.ts';
import type { ConnectOptions } from '../transports/transport.ts';
import { decodeJson } from '../protocol/json-text.ts';
import type { AppOptions } from './app-options.ts';
import { BaseTask } from './base-task.ts';
import { Celery } from './celery.ts';
import { createClient } from './client.ts';
import { taskContract } from './contract.ts';
import { coreOf } from './core.ts';

/** An app whose messages go nowhere but into a list. */
function listening(options: AppOptions = {}) {
  const app = new Celery('shop', { broker: 'memory://', backend: 'memory://', log: silentLogger, ...options });
  const sent: { readonly task: string; readonly body: unknown; readonly headers: Readonly<Record<string, unknown>>; readonly routingKey: string }[] = [];
  const dispatch = async ({ messages }: Dispatch): Promise<void> => {
    for (const { message, routingKey } of messages) {
      const [args, kwargs] = decodeJson((message.body as { text: string }).text) as unknown as [unknown, unknown];
      sent.push({ task: message.headers['task'] as string, body: [args, kwargs], headers: message.headers, routingKey });
    }
  };
  const host: TaskHost = { dispatch, saveState: async () => undefined, growChord: async () => undefined, emit: () => undefined, idle: async () => undefined };
  coreOf(app).setHost(host);
  return { app, sent };
}

/** What a worker runs when the arguments come as Python sends them. */
const run = async (app: Celery, name: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
  const { eager } = coreOf(app) as unknown as { eager: { apply(signature: object, options: object): Promise<{ get(): Promise<unknown> }> } };
  return (await eager.apply({ task: name, args, kwargs, options: {}, subtask_type: null, immutable: false }, {})).get();
};

describe('names', () => {
  test('are given, or made of the app and the function or key', () => {
    const { app } = listening();
    function parcel(): void {}
    expect([app.task('a.b', () => 1).name, app.task(parcel).name, app.task({ name: 'in.options' }, () => 1).name]).toEqual([
      'a.b',
      'shop.parcel',
      'in.options',
    ]);
    expect(app.defineTasks({ ship: () => 1 }).ship.name).toBe('shop.ship');
    expect([...app.tasks.keys()].filter((name) => !name.startsWith('celery.'))).toEqual(['a.b', 'shop.parcel', 'in.options', 'shop.ship']);
  });

  test('that are missing or taken are refused, with both places', () => {
    const { app } = listening();
    expect(() =>
      app.task(
        (
          () => () =>
            1
        )(),
      ),
    ).toThrow(/without a name.*app\.task\('shop\./);
    const first = app.task('twice', () => 1);
    expect(() => app.task('twice', () => 2)).toThrow(AlreadyRegistered);
    expect(() => app.task('twice', () => 2)).toThrow(/first at .*celery\.test\.ts:\d+:\d+, now at .*celery\.test\.ts:\d+/);
    const same = (): number => 3;
    expect(app.task('same', same)).toBe(app.task('same', same));
    expect(first.name).toBe('twice');
    expect(() => app.task('celery.accumulate', () => 1)).not.toThrow();
  });

  test('that look like a bundler made them get one warning', () => {
    const warned: string[] = [];
    const log: Logger = { ...silentLogger, warn: (message) => void warned.push(message) };
    const app = new Celery('shop', { broker: 'memory://', log });
    function add2(): void {}
    function q(): void {}
    function ship(): void {}
    app.task(add2);
    app.task(q);
    app.task(ship);
    app.task('said.name3', () => 1);
    expect(warned).toEqual([expect.stringContaining('shop.add2'), expect.stringContaining('shop.q')]);
  });

  test('a soft limit above the hard one is refused where the task is defined', () => {
    const { app } = listening();
    expect(() => app.task('slow', { timeLimit: 5, softTimeLimit: '10s' }, () => 1)).toThrow(/softTimeLimit \(10s\) above its timeLimit \(5\)/);
  });
});

describe('keyword arguments', () => {
  test('from Python are bound by the names in the source, or by params', async () => {
    const { app } = listening();
    app.task('sub', (x: number, y: number) => x - y);
    app.task('bound', { bind: true }, (self, x: number, y = 1) => [self.request.kwargs, x, y]);
    app.task('named', { params: ['first', 'second?', '...rest'] }, (...all: unknown[]) => all);
    app.task('open', { bind: true, params: ['i', '**'] }, (self, i: number) => [i, self.request.kwargs]);
    expect(await run(app, 'sub', [], { y: 1, x: 5 })).toBe(4);
    expect(await run(app, 'bound', [3], { y: 4 })).toEqual([{ y: 4 }, 3, 4]);
    expect(await run(app, 'named', [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
    expect(await run(app, 'open', [], { i: 1, more: 2 })).toEqual([1, { i: 1, more: 2 }]);
    await expect(run(app, 'sub', [1], { x: 1 })).rejects.toThrow("sub() got multiple values for argument 'x'");
    await expect(run(app, 'sub', [1], { z: 1 })).rejects.toThrow(/unexpected keyword argument 'z'/);
    await expect(run(app, 'named', [], { second: 1 })).rejects.toThrow("named() is missing argument 'first'");
  });

  test('of a task whose parameters cannot be read ask for params', async () => {
    const { app } = listening();
    app.task('odd', Math.max as (a: number, b: number) => number);
    await expect(run(app, 'odd', [], { a: 1 })).rejects.toThrow(/give the task `params`/);
  });

  test('go to Python as kwargs, and come to us as the last parameter', async () => {
    const { app, sent } = listening();
    const render = app.declare<(page: string, kwargs: { width: number }) => string>('pdf.render', { kwargs: true });
    await render.delay('index', { width: 100 });
    expect(sent[0]).toMatchObject({ task: 'pdf.render', body: [['index'], { width: 100 }] });
    app.task('own', { kwargs: true }, (page: string, size: { width?: number; height?: number }) => [page, size]);
    expect(await run(app, 'own', ['a'], { width: 1, height: 2 })).toEqual(['a', { width: 1, height: 2 }]);
    expect(await run(app, 'own', [], { page: 'b', width: 1 })).toEqual(['b', { width: 1 }]);
  });
});

describe('calls', () => {
  test('with params are checked before they are sent', async () => {
    const { app, sent } = listening();
    const resize = app.declare<(url: string, width: number) => string>('images.resize', { params: ['url', 'width'] });
    await expect((resize.delay as (...args: unknown[]) => Promise<unknown>)('a')).rejects.toThrow("images.resize() is missing argument 'width'");
    await resize.delay('a', 1);
    expect(sent).toHaveLength(1);
    const lenient = app.declare('lenient', { params: ['url'], typing: false });
    await lenient.delay(1 as never, 2 as never);
    expect(sent).toHaveLength(2);
  });

  test('by name take the options of a task that is known here', async () => {
    const { app, sent } = listening({ taskTimeLimit: 9 });
    app.task('known', { queue: 'own', softTimeLimit: 3, ignoreResult: true }, () => 1);
    await app.sendTask('known');
    await app.sendTask('unknown', [1], { kwargs: { y: 2 } });
    expect(sent[0]).toMatchObject({ routingKey: 'own', headers: { timelimit: [9, 3], ignore_result: true } });
    expect(sent[1]).toMatchObject({ routingKey: 'celery', body: [[1], { y: 2 }], headers: { timelimit: [null, null], ignore_result: null } });
  });

  test('whose result is ignored give null at once', async () => {
    const { app } = listening();
    const note = app.task('note', { ignoreResult: true }, () => 1);
    const result = await note.delay();
    expect([result.ignored, await result.get()]).toEqual([true, null]);
  });

  test.each(['foo://', 'db+postgresql://user:secret@host/results', 'amqp://'])('whose results could never be read, in %s, are not sent', async (backend) => {
    const { app, sent } = listening({ backend });
    const add = app.task('add', () => 1);
    const words = `there is no result backend for "${backend.split('//', 1)[0]}//"`;
    for (let i = 0; i < 2; i++) await expect(add.delay()).rejects.toThrow(words);
    await expect(add.delay()).rejects.toBeInstanceOf(ImproperlyConfigured);
    await expect(app.sendTask('elsewhere')).rejects.toThrow(words);
    await expect(app.sendMany([add.s(), add.s()])).rejects.toThrow(words);
    expect(sent).toEqual([]);
    // Who asks for no result needs no store, such as a producer that shares its settings with Python.
    await add.applyAsync([], { ignoreResult: true });
    app.configure({ taskIgnoreResult: true });
    await add.delay();
    expect(sent).toHaveLength(2);
  });

  test('are sent where the result store is one of the user’s own, or none', async () => {
    const { app, sent } = listening({ backend: 'own://' });
    app.extend({ kind: 'backend', schemes: ['own'], load: () => Promise.reject(new Error('not to be opened')) });
    await app.task('add', () => 1).delay();
    const bare = listening({ backend: 'disabled://' });
    await bare.app.task('add', () => 1).delay();
    expect([sent.length, bare.sent.length]).toEqual([1, 1]);
  });

  test('that cannot be sent reject, and are never thrown', async () => {
    const { app } = listening();
    const echo = app.task('echo', (value: unknown) => value);
    await expect(echo.delay({ deep: [Symbol('x')] })).rejects.toMatchObject({ code: 'ENCODE' });
    await expect(echo.applyAsync([1], { eta: 'soon' })).rejects.toThrow(/soon/);
    await expect(echo.applyAsync([1], { nope: 1 } as never)).rejects.toThrow(/"nope" is not an option/);
  });

  test('of a contract, and of a client by type, name the same task', async () => {
    const convert = taskContract<(file: string) => string>('convert', { queue: 'media' });
    const { app, sent } = listening();
    app.implement(convert, (file) => `${file}.pdf`);
    await app.declare(convert).delay('a');
    expect(sent[0]).toMatchObject({ task: 'convert', routingKey: 'media', body: [['a'], {}] });
    expect(await run(app, 'convert', ['a'])).toBe('a.pdf');
    const named = app.task('named', (x: number) => x);
    const client = createClient<{ named: typeof named }>({ broker: 'memory://' });
    expect(client.task('named').name).toBe('named');
    await client.close();
  });
});

describe('schemas', () => {
  test('check what is sent as it is given, and give the handler what they make of it', async () => {
    const { app, sent } = listening();
    const at = z.tuple([z.email(), z.string().transform((text) => new Date(text))]);
    const invite = app.task('invite', { args: at, result: z.object({ year: z.number().int() }) }, (_email, when) => ({ year: when.getUTCFullYear() }));
    await invite.delay('a@b.example', '2030-01-02');
    expect(sent[0]!.body).toEqual([['a@b.example', '2030-01-02'], {}]);
    expect(await run(app, 'invite', ['a@b.example', '2030-01-02'])).toEqual({ year: 2030 });
    await expect(invite.delay('nobody', '2030-01-02')).rejects.toThrow(ValidationError);
    await expect(run(app, 'invite', ['nobody', '2030-01-02'])).rejects.toMatchObject({ code: 'VALIDATION', issues: [{ path: [0] }] });
  });
});

describe('middleware and signals', () => {
  test('may change a message, hold it back, and see it run', async () => {
    const { app, sent } = listening();
    const seen: string[] = [];
    const add = app.task('add', (x: number, y: number) => x + y);
    app.use({
      async publish(call, next) {
        call.headers['trace'] = 'T';
        if (call.args[0] !== 'stop') await next();
      },
      async execute(context, next) {
        seen.push(`before ${context.name}`);
        const value = await next();
        seen.push(`after ${String(value)}`);
        return value;
      },
    });
    app.on('beforeTaskPublish', ({ headers, properties }) => {
      headers['by'] = 'signal';
      properties['appId'] = 'shop';
    });
    app.on('afterTaskPublish', ({ task, headers }) => void seen.push(`sent ${task} ${String(headers['by'])}`));
    await add.delay(1, 2);
    await add.delay('stop' as never, 2);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.headers).toMatchObject({ trace: 'T', by: 'signal' });
    expect(await run(app, 'add', [1, 2])).toBe(3);
    expect(seen).toEqual(['sent add signal', 'before add', 'after 3']);
  });
});

describe('settings', () => {
  test('of configure win over the constructor, that over objects, those over defaults', () => {
    const app = new Celery('shop', { broker: 'memory://', taskDefaultQueue: 'constructor', log: silentLogger });
    app.addDefaults(() => ({ taskDefaultQueue: 'default', taskDefaultPriority: 1 }));
    expect([app.conf.taskDefaultQueue, app.conf.taskDefaultPriority]).toEqual(['constructor', 1]);
    app.configFromObject({ task_default_queue: 'object', task_default_priority: 2 });
    expect([app.conf.taskDefaultQueue, app.conf.taskDefaultPriority]).toEqual(['constructor', 2]);
    app.configure({ taskDefaultQueue: 'configured' });
    expect(app.conf.taskDefaultQueue).toBe('configured');
  });

  test('annotations change options of tasks', () => {
    const { app } = listening({ taskAnnotations: { '*': { maxRetries: 1 }, 'a.slow': { rateLimit: '10/m', maxRetries: null } } });
    app.task('a.slow', { maxRetries: 9 }, () => 1);
    app.task('a.other', { maxRetries: 9 }, () => 1);
    const policy = (name: string) => coreOf(app).tasks.get(name)!.policy;
    expect([policy('a.slow').maxRetries, policy('a.slow').ratePerSecond, policy('a.other').maxRetries]).toEqual([null, 10 / 60, 1]);
  });

  test('of a module that is missing are an error where they are needed', async () => {
    const app = new Celery('shop', { broker: 'memory://', log: silentLogger });
    app.configFromObject('./no-such-config.mjs');
    expect(() => app.conf).toThrow(ImproperlyConfigured);
    await app.ready();
    expect(() => app.conf).toThrow(/the configuration module \.\/no-such-config\.mjs could not be loaded/);
  });
});

test('entries of the schedule keep the whole signature, and have a name', () => {
  const { app } = listening();
  const add = app.task('add', (x: number, y: number) => x + y);
  expect(app.addPeriodicTask('30s', add.s(1, 2), { name: 'often' })).toBe('often');
  expect(app.addPeriodicTask(5, add.s(1, 2).pipe(add.s(3)))).toBe('add(1, 2) | add(3) every 5');
  expect(app.periodicTasks.get('often')).toMatchObject({ task: 'add', schedule: '30s', args: [1, 2], signature: { task: 'add', args: [1, 2] } });
  expect([...app.periodicTasks.values()][1]!.signature.subtask_type).toBe('chain');
});

test('what is not built is refused where it is said', async () => {
  const { app } = listening();
  expect(() => app.task('own', { backend: 'redis://' }, () => 1)).toThrow(/result backend of its own/);
});

test('calls by name are sent even with taskAlwaysEager', async () => {
  const warned: string[] = [];
  const { app, sent } = listening({ taskAlwaysEager: true, log: { ...silentLogger, warn: (line) => void warned.push(line) } });
  const add = app.task('add', (x: number, y: number) => x + y);
  expect(await (await add.delay(1, 2)).get()).toBe(3);
  expect(sent).toEqual([]);
  await app.sendTask('add', [1, 2]);
  expect(sent.map(({ task }) => task)).toEqual(['add']);
  expect(warned).toEqual(['taskAlwaysEager does not count for sendTask: add is sent']);
});

test('class tasks that belong to no app say so', () => {
  class Lonely extends BaseTask {
    run(): string {
      return this.request.id;
    }
  }
  expect(() => new Lonely().run()).toThrow(/register its class, app\.register\(Lonely\)/);
});

test('retryErrors of one call are tried again; in signatures and in children of pools they are refused', async () => {
  const failures = [new RangeError('full'), new RangeError('full')];
  const driver = memoryTransport;
  const app = new Celery('shop', { broker: 'odd://', log: silentLogger });
  const load = async () => ({
    transport: {
      ...driver,
      async connect(options: ConnectOptions) {
        const connection = await driver.connect({ ...options, url: new URL('memory://odd') });
        const openChannel = connection.openChannel.bind(connection);
        connection.openChannel = async () => {
          const channel = await openChannel();
          const publish = channel.publish.bind(channel);
          channel.publish = async (...args) => {
            const failure = failures.shift();
            if (failure !== undefined) throw failure;
            return publish(...args);
          };
          return channel;
        };
        return connection;
      },
    },
  });
  app.extend({ kind: 'transport', schemes: ['odd'], load });
  const add = app.task('add', (x: number) => x);
  await expect(add.delay(1)).rejects.toThrow('full');
  await add.applyAsync([1], { retryPolicy: { retryErrors: [RangeError], intervalMax: 0 } });
  expect(failures).toEqual([]);
  expect(() => add.s(1).set({ retryPolicy: { retryErrors: [RangeError] } })).toThrow(/cannot be written down/);
  await app.close();
  const { app: child } = listening();
  await expect(child.sendTask('add', [1], { retryPolicy: { retryErrors: [RangeError] } })).rejects.toThrow(/child of a pool/);
});
