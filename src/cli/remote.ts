import type { Command } from 'commander';
import { commands as table, type ArgSpec, type CommandSpec } from '../control/commands.ts';
import { control as controlOf } from '../control/index.ts';
import { ImproperlyConfigured } from '../errors.ts';
import type { Duration } from '../kernel/duration.ts';
import { nearest } from '../kernel/nearest.ts';
import { exitCodes, type Call } from './command.ts';
import { nodesOnline, repliesText, type NodeReplies } from './output.ts';
import { commaList, seconds } from './values.ts';

export interface RemoteOptions {
  readonly timeout: Duration;
  readonly destination?: readonly string[];
  readonly json?: boolean;
  readonly list?: boolean;
}

type Kind = CommandSpec['kind'];
/** Every row, as the CLI reads it: the table's own types are for those who know the command. */
const rows: readonly CommandSpec[] = Object.values(table);

export function remoteOptions(command: Command): Command {
  return command
    .option('-t, --timeout <seconds>', 'How long to wait for answers.', seconds, 1)
    .option('-d, --destination <nodes>', 'These workers only, with commas between them.', commaList)
    .option('-j, --json', 'Print the answers as one JSON object.');
}

/** `inspect` and `control` are the same command over two halves of one table. */
export async function runRemote(kind: Kind, call: Call<RemoteOptions>): Promise<number> {
  const { context, options } = call;
  if (options.list === true) {
    context.print(listText(kind));
    return exitCodes.ok;
  }
  const [name, ...words] = call.args;
  if (name === undefined) throw new ImproperlyConfigured(`Which command? One of: ${namesOf(kind).join(', ')}.`);
  const spec = specOf(kind, name);
  const replies = await askWorkers(call, spec.wire, argumentsOf(spec, words));
  const count = Object.keys(replies).length;
  // A worker that stops has nothing more to say.
  if (count === 0 && spec.wire === 'shutdown') {
    context.terminal.err('The workers were told to shut down; they do not answer that.\n');
    return exitCodes.ok;
  }
  if (count === 0) return nobody(call);
  if (options.json === true) context.print(JSON.stringify(replies));
  else {
    context.print(repliesText(replies));
    if (kind === 'inspect') context.print(nodesOnline(count));
  }
  return exitCodes.ok;
}

/** Sends a command to the workers and gathers what they answer in time. */
export async function askWorkers(
  { context, options }: Call<RemoteOptions>,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<NodeReplies> {
  const app = await context.app();
  try {
    const { destination } = options;
    return await controlOf(app).broadcast(command, args, {
      reply: true,
      timeout: options.timeout,
      ...(destination === undefined ? {} : { destination, limit: destination.length }),
    });
  } finally {
    await app.close();
  }
}

/** Exit code 69, as in Celery. */
export function nobody({ context, options }: Call<RemoteOptions>): number {
  const whom = options.destination === undefined ? 'No worker' : `None of ${options.destination.join(', ')}`;
  context.terminal.err(
    `Error: ${whom} answered within ${typeof options.timeout === 'number' ? `${options.timeout} s` : options.timeout}. Is one running on this broker? (-t waits longer)\n`,
  );
  return exitCodes.unavailable;
}

const namesOf = (kind: Kind): readonly string[] =>
  rows
    .filter((row) => row.kind === kind)
    .map((row) => row.wire)
    .sort();

function specOf(kind: Kind, name: string): CommandSpec {
  const wanted = name.replaceAll('-', '_');
  const found = rows.find((row) => row.kind === kind && (row.wire === wanted || row.aliases?.includes(wanted) === true));
  if (found !== undefined) return found;
  const other = rows.find((row) => row.wire === wanted);
  if (other !== undefined) throw new ImproperlyConfigured(`"${name}" is a command of ${other.kind}, not of ${kind}: ${other.kind} ${other.wire}`);
  const meant = nearest(wanted, namesOf(kind));
  throw new ImproperlyConfigured(
    `There is no ${kind} command "${name}".${meant === undefined ? '' : ` Did you mean "${meant}"?`} There are: ${namesOf(kind).join(', ')}.`,
  );
}

/** Words after the command, in the order of its arguments; a list takes all that are left, and `name=value` names its argument. */
function argumentsOf(spec: CommandSpec, words: readonly string[]): Readonly<Record<string, unknown>> {
  const left = [...words];
  const given: Record<string, unknown> = {};
  for (const arg of Object.values(spec.args)) {
    const named = left.findIndex((word) => word.startsWith(`${arg.wire}=`));
    if (named >= 0) given[arg.wire] = valueOf(spec, arg, left.splice(named, 1)[0]!.slice(arg.wire.length + 1));
  }
  for (const arg of Object.values(spec.args)) {
    if (arg.wire in given) continue;
    if (arg.type === 'string[]' && left.length > 0) given[arg.wire] = left.splice(0);
    else if (arg.required === true && left.length > 0) given[arg.wire] = valueOf(spec, arg, left.shift()!);
  }
  for (const arg of Object.values(spec.args)) {
    if (!(arg.wire in given) && left.length > 0) given[arg.wire] = valueOf(spec, arg, left.shift()!);
  }
  const missing = Object.values(spec.args).filter((arg) => arg.required === true && !(arg.wire in given));
  if (missing.length > 0) throw new ImproperlyConfigured(`${spec.wire}: <${missing[0]!.wire}> is missing (${missing[0]!.help}) Usage: ${signatureOf(spec)}`);
  if (left.length > 0) throw new ImproperlyConfigured(`${spec.wire}: too many arguments (${left.join(' ')}). Usage: ${signatureOf(spec)}`);
  return given;
}

function valueOf(spec: CommandSpec, arg: ArgSpec, text: string): unknown {
  if (arg.type === 'string[]') return commaList(text);
  if (arg.type === 'number') {
    if (text.trim() === '' || Number.isNaN(Number(text)))
      throw new ImproperlyConfigured(`${spec.wire}: ${arg.wire} should be a number, but is "${text}". Usage: ${signatureOf(spec)}`);
    return Number(text);
  }
  if (arg.type === 'boolean') {
    if (!/^(true|false|yes|no|1|0)$/i.test(text))
      throw new ImproperlyConfigured(`${spec.wire}: ${arg.wire} should be true or false, but is "${text}". Usage: ${signatureOf(spec)}`);
    return /^(true|yes|1)$/i.test(text);
  }
  return text;
}

function signatureOf(spec: CommandSpec): string {
  const args = Object.values(spec.args).map((arg) => {
    const name = arg.type === 'string[]' ? `${arg.wire}…` : arg.wire;
    return arg.required === true ? `<${name}>` : `[${name}]`;
  });
  return [spec.wire, ...args].join(' ');
}

function listText(kind: Kind): string {
  const lines = rows.filter((row) => row.kind === kind).map((row) => [signatureOf(row), row.help] as const);
  const width = Math.max(...lines.map(([signature]) => signature.length));
  return lines
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([signature, help]) => `  ${signature.padEnd(width)}  ${help}`)
    .join('\n');
}
