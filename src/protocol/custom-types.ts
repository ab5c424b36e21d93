import { DecodeError } from '../errors.ts';
import type { Json, Value, ValueMap } from './json.ts';
import { isMap } from './signature.ts';
import { CustomValue, customNames, isBuiltInType } from './typed-values.ts';

/** A type of values that users teach an app (kombu's `register_type`). */
export interface CustomType {
  /** Its `__type__` on the wire. */
  readonly name: string;
  test(value: unknown): boolean;
  encode(value: unknown): Json;
  decode(value: Json): unknown;
}

/** Deeper than that JSON's own writer complains, of circles too. */
const MAX_DEPTH = 1000;

/** The types of one app: its values as they travel, and back. Costs nothing while there are none. */
export class CustomTypes {
  readonly #types = new Map<string, CustomType>();

  get isEmpty(): boolean {
    return this.#types.size === 0;
  }

  /** Whether no app of this process has any: then none can have come either. */
  get isUnused(): boolean {
    return customNames.size === 0;
  }

  /** Throws TypeError for a name that means something already on the wire. */
  add(type: CustomType): void {
    if (type.name === '' || isBuiltInType(type.name)) throw new TypeError(`a type needs a name of its own, not ${JSON.stringify(type.name)}`);
    customNames.add(type.name);
    this.#types.set(type.name, type);
  }

  /** The value with those of own types in a form that can be sent. */
  pack<T>(value: T): T {
    return this.isEmpty ? value : (this.#packed(value, 0) as T);
  }

  /** What came, with values of own types. Throws DecodeError for a type that this app does not know. */
  unpack<T>(value: T): T {
    return this.isUnused ? value : (changed(value, 0, (leaf) => this.#unpacked(leaf)) as T);
  }

  #packed(value: unknown, depth: number): unknown {
    return changed(value, depth, (leaf) => {
      for (const type of this.#types.values()) if (type.test(leaf)) return new CustomValue(type.name, type.encode(leaf));
      return leaf;
    });
  }

  #unpacked(leaf: unknown): unknown {
    if (!(leaf instanceof CustomValue)) return leaf;
    const type = this.#types.get(leaf.type);
    if (type === undefined)
      throw new DecodeError(`a typed value of the type ${JSON.stringify(leaf.type)}, which this app does not know: app.extend({ kind: 'type', … })`);
    return type.decode(leaf.value);
  }
}

/** Lists and plain maps with each other value changed; the same object where none was. */
function changed(value: unknown, depth: number, change: (leaf: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) => changed(item, depth + 1, change));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isMap(value)) return change(value);
  const members = Object.entries(value as ValueMap).map(([key, member]) => [key, changed(member, depth + 1, change)] as const);
  return members.some(([key, member]) => member !== (value as ValueMap)[key]) ? Object.fromEntries(members) : value;
}
