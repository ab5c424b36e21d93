// The four programs of the table: a worker and a producer in each language, beside one Redis.
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { decodeJson, encodeJson } from '../../src/protocol/json-text.ts';
import type { Value } from '../../src/protocol/json.ts';

const root = join(import.meta.dirname, '..', '..');

export interface Urls {
  readonly broker: string;
  readonly backend: string;
}

const environment = (urls: Urls): NodeJS.ProcessEnv => ({
  ...process.env,
  INTEROP_BROKER: urls.broker,
  INTEROP_BACKEND: urls.backend,
  PYTHONUNBUFFERED: '1',
  PYTHONPATH: join(import.meta.dirname, 'python'),
});

/** Starts a program and resolves when it has printed a line that matches; rejects with what it said when it ends before. */
async function started(
  command: string,
  args: readonly string[],
  urls: Urls,
  ready: RegExp,
  options: { readonly cwd?: string } = {},
): Promise<{ readonly child: ChildProcess; readonly output: () => string }> {
  const child = spawn(command, args, { cwd: options.cwd ?? root, env: environment(urls), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      if (ready.test(text)) resolve();
    };
    child.stdout!.on('data', onData);
    child.stderr!.on('data', onData);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code} before it was ready:\n${text}`)));
  });
  return { child, output: () => text };
}

export interface WorkerProgram {
  readonly queue: string;
  readonly hostname: string;
  readonly child: ChildProcess;
  output(): string;
  stop(): Promise<number | null>;
}

export async function startWorker(language: 'ts' | 'py', python: string, urls: Urls): Promise<WorkerProgram> {
  const hostname = `${language}@interop`;
  const { child, output } =
    language === 'ts'
      ? await started(
          process.execPath,
          ['dist/cli/main.js', '-A', 'test/interop/proj.ts', 'worker', '-n', hostname, '-Q', 'ts', '-c', '8', '-l', 'info'],
          urls,
          /ready\./,
        )
      : await started(python, ['-m', 'celery', '-A', 'proj', 'worker', '-n', hostname, '-Q', 'py', '-c', '2', '-l', 'INFO'], urls, /ready\./, {
          cwd: join(import.meta.dirname, 'python'),
        });
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { queue: language, hostname, child, output, stop };
}

/** A producer that takes commands. */
export interface Producer {
  ask(command: Record<string, Value>): Promise<Value>;
  close(): void;
}

export async function startProducer(language: 'ts' | 'py', python: string, urls: Urls): Promise<Producer> {
  const [command, args, cwd] =
    language === 'ts' ? [process.execPath, ['--import', 'tsx', 'test/interop/driver.ts'], root] : [python, ['driver.py'], join(import.meta.dirname, 'python')];
  const child = spawn(command, args, { cwd, env: environment(urls), stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done === true) throw new Error(`the ${language} producer ended:\n${errors}`);
    return value;
  };
  if ((await next()) !== 'ready') throw new Error(`the ${language} producer did not start:\n${errors}`);
  let last: Promise<unknown> = Promise.resolve();
  const ask = (request: Record<string, Value>): Promise<Value> => {
    const answer = last.then(async () => {
      child.stdin.write(`${encodeJson(request)}\n`);
      const reply = decodeJson(await next()) as { ok?: Value; error?: string };
      if (reply.error !== undefined) throw new Error(`${language}: ${reply.error}`);
      return reply.ok ?? null;
    });
    last = answer.catch(() => undefined);
    return answer;
  };
  return { ask, close: () => child.stdin.end() };
}
