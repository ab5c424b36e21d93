import type { ScalarTag } from 'yaml';
import { DecodeError } from '../errors.ts';
import type { Value } from '../protocol/json.ts';
import { MAX_DEPTH } from '../protocol/place.ts';
import { asText } from './body.ts';
import { optionalPackage } from './codec-table.ts';
import type { Serializer } from './registry.ts';
import { scalarTags } from './yaml-scalars.ts';
import { writeYaml } from './yaml-text.ts';

/** YAML as PyYAML's safe loader and dumper speak it: version 1.1, with timestamps, dates and bytes. */
export async function loadYaml(): Promise<Serializer> {
  const { parseDocument } = await optionalPackage('yaml', 'the serializer yaml', () => import('yaml'));
  const tags: ScalarTag[] = scalarTags();
  return {
    name: 'yaml',
    contentType: 'application/x-yaml',
    contentEncoding: 'utf-8',
    encode: writeYaml,
    decode(body) {
      const document = attempt(() =>
        parseDocument(asText(body), {
          version: '1.1',
          schema: 'failsafe',
          customTags: [...tags, 'merge', 'set'],
          uniqueKeys: false,
          logLevel: 'silent',
          prettyErrors: false,
          stringKeys: false,
        }),
      );
      // A tag that nobody knows is a warning to the library, but Python's safe loader refuses it.
      const problem = document.errors[0] ?? document.warnings[0];
      if (problem !== undefined) throw new DecodeError(`not YAML: ${problem.message}`, { cause: problem });
      return read(
        attempt((): unknown => document.toJS({ maxAliasCount: 100 })),
        0,
      );
    },
  };
}

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new DecodeError(`not YAML: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Python's sets become lists; keys are texts already. */
function read(value: unknown, depth: number): Value {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return value as Value;
  if (depth >= MAX_DEPTH) throw new DecodeError(`nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value) || value instanceof Set) return Array.from(value, (item) => read(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value as Value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, read(member, depth + 1)]));
}
