import type { CodecEntry } from './codec-table.ts';
import type { Compression } from './registry.ts';
export function builtinCompressions(): readonly CodecEntry<Compression>[] {
  return [];
}
