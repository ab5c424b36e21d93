// A TypeScript producer that does what the test says: one JSON command a line in, one JSON answer a line out. The twin of python/driver.py.
import { createInterface } from 'node:readline';
import { TaskFailure } from 'celeriac';
import { control, inspect } from 'celeriac/control';
import { decodeJson, encodeJson } from '../../dist/protocol/json-text.js';
import { app } from './proj.ts';

type Fields = Record<string, any>;

async function call(command: Fields): Promise<null> {
  const { link, link_error, ...others } = command['options'] as Fields;
  const signatures = (list: Fields[] | undefined): any =>
    list?.map((s) => app.signature(s['task'], { args: s['args'], kwargs: s['kwargs'], options: snakeToCamel(s['options']), immutable: s['immutable'] }));
  await app.sendTask(command['task'], command['args'], {
    kwargs: command['kwargs'],
    taskId: command['id'],
    ...snakeToCamel(others),
    ...(link !== undefined && { link: signatures(link) }),
    ...(link_error !== undefined && { linkError: signatures(link_error) }),
  });
  return null;
}

const snakeToCamel = (options: Fields): Fields =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), value]));

async function outcome(command: Fields): Promise<Fields> {
  const result = app.AsyncResult(command['id']);
  const meta = await result.meta();
  const value = meta.result;
  const error = value instanceof Error ? { type: typeOf(value), message: argsOf(value) } : null;
  return {
    state: meta.status,
    result: error === null ? value : null,
    error,
    traceback: Boolean(meta.traceback),
    children: (await result.children()).map((child) => child.id),
    parent_id: meta.parentId ?? null,
    name: meta.name ?? null,
  };
}

const typeOf = (error: Error): string => (error instanceof TaskFailure ? error.type : error.constructor.name);
const argsOf = (error: Error): string[] => (error instanceof TaskFailure ? error.args.map(String) : [error.message]);

async function revoke(command: Fields): Promise<null> {
  await control(app).revoke(command['id'], { terminate: command['terminate'] ?? false });
  return null;
}

async function inspection(command: Fields): Promise<unknown> {
  const replies = inspect(app, { timeout: command['timeout'], destination: command['destination'] }) as unknown as Record<string, () => Promise<unknown>>;
  return replies[command['method']]!();
}

async function shutdown(command: Fields): Promise<null> {
  await control(app).shutdown({ destination: command['destination'] });
  return null;
}

const commands: Record<string, (command: Fields) => Promise<unknown>> = { call, outcome, revoke, inspect: inspection, shutdown };
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = decodeJson(line) as Fields;
  let answer: unknown;
  try {
    answer = { ok: (await commands[command['do']]!(command)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${encodeJson(answer as never)}\n`);
}
await app.close();
