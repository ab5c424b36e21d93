import { EncodeError } from '../errors.ts';
import { tagOf } from './typed-values.ts';

/** How deep lists and maps may be nested, both ways: as deep as Python's own readers go. */
export const MAX_DEPTH = 1000;

/** Where in a value a writer is: links, so that a path is only put together for an error. */
export interface Place {
  readonly depth: number;
  readonly key?: string | number;
  readonly parent?: Place;
}

export const TOP: Place = { depth: 0 };

/** A member's place. Throws EncodeError where it would be too deep, which is how a value that contains itself ends. */
export function inside(place: Place, key: string | number): Place {
  if (place.depth >= MAX_DEPTH) throw new EncodeError(`the value is nested deeper than ${MAX_DEPTH} levels, or contains itself: such a value cannot be sent`);
  return { depth: place.depth + 1, key, parent: place };
}

/** Names what cannot be sent, and its path. */
export function unsendable(what: string, place: Place, cause?: unknown): EncodeError {
  const path = pathOf(place);
  return new EncodeError(
    `${what} cannot be sent${path === '' ? '' : ` (at ${path})`}; what can: null, booleans, numbers, text, Date, bytes, Uuid, Decimal, and lists and plain maps of these`,
    { cause },
  );
}

/**
 * What an object stands for where it is no value by itself: its `toJSON`, or itself as a plain map. Throws EncodeError for maps, sets, errors,
 * promises and the like, whose members JSON would silently drop.
 */
export function plainObject(value: object, place: Place): { readonly json: unknown } | { readonly members: readonly (readonly [string, unknown])[] } {
  if ('toJSON' in value && typeof value.toJSON === 'function') return { json: value.toJSON(place.key === undefined ? '' : String(place.key)) as unknown };
  if (tagOf(value) !== 'Object') throw unsendable(`a value of the class ${value.constructor.name || tagOf(value)}`, place);
  return { members: Object.entries(value).filter(([, member]) => member !== undefined) };
}

/** `$[0].user.email`. */
function pathOf(place: Place): string {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) keys.unshift(at.key);
  const step = (key: string | number): string => (typeof key === 'number' ? `[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`);
  return keys.length === 0 ? '' : `$${keys.map(step).join('')}`;
}
