import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { wordsOf } from '../../src/cli/amqp/words.ts';
import { management, noRabbit, rabbitVhost } from '../support/rabbitmq.ts';
import { Project, type Ran } from './project.ts';

// Each command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 90_000 });

const vhost = await rabbitVhost();
if (noRabbit !== undefined) console.warn(`the commands amqp and list on RabbitMQ are left out: ${noRabbit}`);

describe.skipIf(vhost === undefined)('on RabbitMQ', () => {
  const user = `celeriac-${randomBytes(6).toString('hex')}`;
  const password = `pass#word ${randomBytes(6).toString('hex')}`;
  let project: Project;
  let broker: string;
  let api: string;
  beforeAll(async () => {
    await management('PUT', `/api/users/${user}`, { password, tags: 'management' });
    await management('PUT', `/api/permissions/${vhost!.name}/${user}`, { configure: '.*', write: '.*', read: '.*' });
    const login = `${user}:${encodeURIComponent(password)}`;
    broker = vhost!.url.replace('guest:guest', login);
    api = `http://${login}@${new URL(process.env['CELERIAC_TEST_AMQP_MANAGEMENT']!).host}`;
    project = new Project({ 'tasks.ts': `import { Celery } from 'celeriac';\nexport const app = new Celery('tasks');\n` }, 'module');
  });
  afterAll(async () => {
    await project[Symbol.asyncDispose]();
    await management('DELETE', `/api/users/${user}`);
  });

  /** Nothing that a command says may hold the password, as it is or as it stands in a URL. */
  const run = (argv: readonly string[], input = ''): Ran => {
    const ran = project.run(['-b', broker, ...argv], {}, input);
    for (const secret of [password, encodeURIComponent(password)]) expect(ran.out + ran.err).not.toContain(secret);
    return ran;
  };
  const amqp = (...words: string[]): Ran => run(['-q', 'amqp', ...words]);

  test('one command after another: declares, binds, publishes, gets, purges and deletes', () => {
    expect(amqp('exchange.declare', 'logs', 'topic', 'no', 'yes')).toEqual({ code: 0, out: 'OK\n', err: '' });
    expect(amqp('queue.declare', 'letters', 'no', 'yes')).toEqual({ code: 0, out: 'queue:letters messages:0 consumers:0\nOK\n', err: '' });
    expect(amqp('queue.bind', 'letters', 'logs', 'a.*').code).toBe(0);
    expect(amqp('basic.publish', 'grüße aus Łódź', 'logs', 'a.b', 'yes')).toMatchObject({ code: 0, out: 'OK\n' });
    expect(amqp('queue.declare', 'letters', 'yes').out).toContain('messages:1 consumers:0');
    const { out } = amqp('basic.get', 'letters', 'yes');
    expect(JSON.parse(out.replace(/OK\n$/, ''))).toEqual({
      body: 'grüße aus Łódź',
      properties: {},
      delivery_info: { delivery_tag: 1, redelivered: false, exchange: 'logs', routing_key: 'a.b' },
    });
    expect(amqp('basic.get', 'letters').out).toBe('No messages in queue. basic.publish something.\nOK\n');
    amqp('basic.publish', 'one', '', 'letters');
    expect(amqp('queue.purge', 'letters').out).toBe('1 messages deleted.\nOK\n');
    expect(amqp('queue.delete', 'letters').out).toBe('0 messages deleted.\nOK\n');
    expect(amqp('exchange.delete', 'logs').code).toBe(0);
  });

  test('what the broker refuses is an error and exit code 1; wrong words are 2 and ask nobody', () => {
    expect(amqp('queue.declare', 'nowhere', 'yes')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('NOT_FOUND') as string });
    expect(amqp('basic.publish', 'x', '', 'nowhere', 'yes')).toMatchObject({ code: 1, err: expect.stringContaining('no queue takes') as string });
    expect(amqp('queue.declair')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "queue.declare"?') as string });
    expect(amqp('queue.bind', 'a')).toMatchObject({ code: 2, err: expect.stringContaining('Usage: queue.bind <queue> <exchange> <routing_key>') as string });
    expect(amqp('queue.purge', 'a', 'b').err).toContain('too many arguments (b)');
    expect(amqp('queue.declare', 'a', 'perhaps').err).toContain('passive should be yes or no, but is "perhaps"');
    expect(project.run(['-b', 'redis://127.0.0.1:1', 'amqp', 'queue.purge', 'a'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('speaks AMQP') as string,
    });
  });

  test('the prompt keeps its channel for what was taken, and has a new one after an error', () => {
    const lines = [
      'queue.declare shelf no yes',
      `basic.publish "two  words" '' shelf`,
      'basic.get shelf',
      'basic.ack 1',
      'queue.declare nowhere yes',
      'basic.ack 7',
      "queue.declare 'unclosed",
      'queue.declare shelf yes',
      'exit',
      'queue.delete shelf',
    ];
    const { code, out } = run(['amqp'], `${lines.join('\n')}\n`);
    expect(code).toBe(0);
    expect(out).toContain(`-> connecting to ${broker.replace(/:[^:@]*@/, ':**@')}.\n-> connected.\n`);
    expect(out).toContain('"body": "two  words"');
    expect(out.match(/^(OK|ERROR: \w+)/gm)).toEqual(['OK', 'OK', 'OK', 'OK', 'ERROR: NOT_FOUND', 'ERROR: PRECONDITION_FAILED', 'ERROR: a', 'OK']);
    expect(out).toMatch(/queue:shelf messages:0 consumers:0\nOK\n$/);
  });

  test('a message that was not acknowledged is there again', () => {
    amqp('queue.declare', 'kept', 'no', 'yes');
    amqp('basic.publish', 'stay', '', 'kept');
    expect(amqp('basic.get', 'kept').out).toContain('"redelivered": false');
    expect(amqp('basic.get', 'kept', 'yes').out).toContain('"redelivered": true');
  });

  test('queue depths, over AMQP without the management API', () => {
    amqp('queue.declare', 'deep', 'no', 'yes');
    for (const text of ['a', 'b']) amqp('basic.publish', text, '', 'deep');
    const listed = run(['list', 'queues', '-Q', 'deep,absent', '-j']);
    expect(JSON.parse(listed.out)).toEqual([{ queue: 'deep', messages: 2, consumers: 0 }]);
    expect(listed).toMatchObject({ code: 0, err: 'Not on the broker (yet): absent\n' });
    expect(run(['list', 'queues', '-Q', 'deep']).out).toBe('queue  messages  consumers\n-----  --------  ---------\ndeep          2          0\n');
  });

  test('queue depths of the whole virtual host, and bindings, by the management API', async () => {
    amqp('queue.declare', 'managed', 'no', 'yes');
    amqp('basic.publish', 'a', '', 'managed');
    // Its figures are gathered every few seconds.
    const row = (): unknown =>
      (JSON.parse(run(['list', 'queues', '--broker-api', api, '-j']).out) as { queue: string }[]).find(({ queue }) => queue === 'managed');
    await vi.waitFor(() => expect(row()).toEqual({ queue: 'managed', messages: 1, ready: 1, unacknowledged: 0, consumers: 0 }), {
      timeout: 60_000,
      interval: 500,
    });
    const { code, out } = run(['-A', 'tasks', 'list', 'bindings', '--broker-api', api.replace(/\/\/.*@/, '//')]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Queue +Exchange +Routing Key\n/);
    expect(out).toMatch(/^celery +celery +celery$/m);
  });

  test('where it is may stand in brokerTransportOptions, by kombu’s names; a wrong login and a wrong port are told apart', () => {
    const { hostname, port } = new URL(api);
    const tasks = (options: object): string =>
      `import { Celery } from 'celeriac';\nexport const app = new Celery('tasks', { brokerTransportOptions: ${JSON.stringify(options)} });\n`;
    const listed = (options: object, what: string): Ran => {
      using folder = new DisposableProject(tasks({ manager_hostname: hostname, ...options }));
      return folder.project.run(['-A', 'tasks', '-b', broker, 'list', what]);
    };
    expect(listed({ manager_port: Number(port) }, 'bindings')).toMatchObject({ code: 0, out: expect.stringMatching(/^celery +celery +celery$/m) as string });
    const refused = listed({ manager_port: Number(port), manager_password: 'other-secret' }, 'queues');
    expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringContaining('refuses the login (401)') as string });
    expect(refused.err).not.toContain('other-secret');
    expect(listed({ manager_port: 1 }, 'queues')).toMatchObject({ code: 69, err: expect.stringContaining('rabbitmq-plugins enable') as string });
  });
});

class DisposableProject {
  readonly project: Project;
  constructor(tasks: string) {
    this.project = new Project({ 'tasks.ts': tasks }, 'module');
  }
  [Symbol.dispose](): void {
    void this.project[Symbol.asyncDispose]();
  }
}

test('other brokers: queue depths work, bindings and AMQP say why not', async () => {
  await using project = new Project({}, 'module');
  const memory = ['-b', 'sqlite:///here.db'];
  expect(project.run([...memory, 'list', 'queues'])).toMatchObject({
    code: 0,
    err: 'Empty: celery (this broker knows a queue only while messages wait in it)\n',
  });
  project.run([...memory, 'call', 'tasks.add']);
  expect(JSON.parse(project.run([...memory, 'list', 'queues', '-j']).out)).toEqual([{ queue: 'celery', messages: 1, consumers: 0 }]);
  expect(project.run([...memory, 'list', 'bindings'])).toMatchObject({ code: 2, err: expect.stringContaining('on RabbitMQ only') as string });
  expect(project.run([...memory, 'list', 'exchanges'])).toMatchObject({ code: 2, err: expect.stringContaining('One of: queues, bindings') as string });
});

test.each([
  ['queue.declare a yes', ['queue.declare', 'a', 'yes']],
  [`  publish 'it is' "a \\"b\\" c" d\\ e `, ['publish', 'it is', 'a "b" c', 'd e']],
  [`publish '' ""`, ['publish', '', '']],
  [`a'b c'd`, ['ab cd']],
  ['', []],
])('a line %j is the words %j', (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});

const redis = process.env['CELERIAC_TEST_REDIS'];
test.skipIf(redis === undefined)('an empty queue on Redis is called empty, and not missing', async () => {
  await using project = new Project({}, 'module');
  const queue = randomBytes(6).toString('hex');
  expect(project.run(['-b', redis!, 'list', 'queues', '-Q', queue])).toMatchObject({
    code: 0,
    err: `Empty: ${queue} (this broker knows a queue only while messages wait in it)\n`,
  });
});
