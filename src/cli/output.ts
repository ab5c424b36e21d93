import { encodeJson } from '../protocol/json-text.ts';
import type { Value } from '../protocol/json.ts';

/** What workers answered, by node name, in the words of the wire. */
export type NodeReplies = Readonly<Record<string, unknown>>;

/** `->  w1@host: OK` and below it, indented, what that worker said. */
export function repliesText(replies: NodeReplies, options: { readonly brief?: boolean } = {}): string {
  return Object.entries(replies)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, reply]) => {
      const { status, body } = readReply(reply);
      return [`->  ${node}: ${status}`, ...(options.brief === true ? [] : indented(body))].join('\n');
    })
    .join('\n');
}

export const nodesOnline = (count: number): string => `\n${count} ${count === 1 ? 'node' : 'nodes'} online.`;

function readReply(reply: unknown): { readonly status: string; readonly body: unknown } {
  if (typeof reply === 'object' && reply !== null && !Array.isArray(reply)) {
    if ('error' in reply) return { status: 'ERROR', body: reply.error };
    if ('ok' in reply) return { status: 'OK', body: reply.ok };
  }
  return { status: 'OK', body: reply };
}

function indented(body: unknown): readonly string[] {
  if (Array.isArray(body)) return body.length === 0 ? ['    - empty -'] : body.map((item) => `    * ${shown(item)}`);
  return shown(body)
    .split('\n')
    .map((line) => `        ${line}`);
}

/** Text as it is, anything else as JSON that a person can read. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item), 2);
}

/** The value of a task, as `celery result` prints it: text as it is, else the JSON that travelled. */
export const resultText = (value: unknown): string => (typeof value === 'string' ? value : encodeJson(value as Value));
