import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files that a guide shows: blocks of TypeScript behind a line that begins with the file's name. */
export function filesOfGuide(name: string): Readonly<Record<string, string>> {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides', name), 'utf8');
  return Object.fromEntries([...guide.matchAll(/^`([\w.]+)`[^\n]*:\n\n```ts\n(.*?)```/gms)].map(([, file, text]) => [file!, text!]));
}
