import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json, JsonObject } from '../../src/protocol/json.ts';

const root = fileURLToPath(new URL('../fixtures/vectors/', import.meta.url));

/** Every vector: `tasks/task_plain`. */
export const vectorNames: readonly string[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))
  .sort();

export const readVector = (name: string): JsonObject => JSON.parse(readFileSync(join(root, `${name}.json`), 'utf8')) as JsonObject;

/** Values within a vector by their keys and indexes; what is not there is undefined. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  return path.reduce<Json | undefined>((within, key) => (typeof within === 'object' && within !== null ? (within as JsonObject)[key] : undefined), value);
}

/**
 * A value with what changes from run to run masked, as vectors/README.md says: ids keep who equals whom (they are numbered as they come, keys in
 * alphabetical order); sender, delivery tags and the address for replies go.
 */
export function masked(value: Json): Json {
  const ids = new Map<string, string>();
  const idOf = (id: string): string => ids.get(id) ?? (ids.set(id, `<id ${ids.size}>`), ids.get(id)!);
  const walk = (part: Json | undefined, key = ''): Json => {
    if (typeof part === 'string') return MASKED.has(key) ? `<${key}>` : part.replaceAll(UUID, idOf);
    if (typeof part !== 'object' || part === null) return part ?? null;
    if (Array.isArray(part)) return (part as readonly Json[]).map((item) => walk(item));
    const members = Object.entries(part as JsonObject).filter(([name]) => name !== 'reply_to' && name !== 'lang');
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, walk(member, name)]));
  };
  return walk(value);
}
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MASKED = new Set(['origin', 'delivery_tag']);
