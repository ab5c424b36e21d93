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

/** The tasks and the producers of a test, in both languages: files of TypeScript, and modules of Python with their folder. */
export interface Programs {
  readonly ts: { readonly tasks: string; readonly driver: string };
  readonly py: { readonly folder: string; readonly tasks: string; readonly driver: string };
}
const interop: Programs = {
  ts: { tasks: 'test/interop/proj.ts', driver: 'test/interop/driver.ts' },
  py: { folder: join(import.meta.dirname, 'python'), tasks: 'proj', driver: 'driver.py' },
};

const environment = (urls: Urls, folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  INTEROP_BROKER: urls.broker,
  INTEROP_BACKEND: urls.backend,
  PYTHONUNBUFFERED: '1',
  PYTHONPATH: folder,
});

/** None of them outlives the test run, however that ends: it would go on taking tasks from the next one. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGTERM')));
for (const end of ['disconnect', 'SIGINT', 'SIGTERM'] as const) process.once(end, () => process.exit(1));

function launched(child: ChildProcess): void {
  running.add(child);
  child.on('exit', () => running.delete(child));
}

/** How many characters of what a program says are kept at least. */
const OUTPUT_KEPT = 1_000_000;

/** Starts a program and resolves when it has printed a line that matches; rejects with what it said when it ends before. */
async function started(
  command: string,
  args: readonly string[],
  urls: Urls,
  ready: RegExp,
  folders: { readonly cwd: string; readonly python: string },
): Promise<{ readonly child: ChildProcess; readonly output: () => string }> {
  const child = spawn(command, args, { cwd: folders.cwd, env: environment(urls, folders.python), stdio: ['ignore', 'pipe', 'pipe'] });
  launched(child);
  let text = '';
  let isReady = false;
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString();
      // A long proof says much: its end is enough, and looking through all of it at every line would take most of the time.
      if (text.length > 2 * OUTPUT_KEPT) text = text.slice(-OUTPUT_KEPT);
      if (isReady || !ready.test(text)) return;
      isReady = true;
      resolve();
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

export async function startWorker(language: 'ts' | 'py', python: string, urls: Urls, programs: Programs = interop): Promise<WorkerProgram> {
  const hostname = `${language}@interop`;
  const { ts, py } = programs;
  const { child, output } =
    language === 'ts'
      ? await started(process.execPath, ['dist/cli/main.js', '-A', ts.tasks, 'worker', '-n', hostname, '-Q', 'ts', '-c', '8', '-l', 'info'], urls, /ready\./, {
          cwd: root,
          python: py.folder,
        })
      : await started(python, ['-m', 'celery', '-A', py.tasks, 'worker', '-n', hostname, '-Q', 'py', '-c', '2', '-l', 'INFO'], urls, /ready\./, {
          cwd: py.folder,
          python: py.folder,
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

export async function startProducer(language: 'ts' | 'py', python: string, urls: Urls, programs: Programs = interop): Promise<Producer> {
  const { ts, py } = programs;
  const [command, args, cwd] = language === 'ts' ? [process.execPath, ['--import', 'tsx', ts.driver], root] : [python, [py.driver], py.folder];
  const child = spawn(command, args, { cwd, env: environment(urls, py.folder), stdio: ['pipe', 'pipe', 'pipe'] });
  launched(child);
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
