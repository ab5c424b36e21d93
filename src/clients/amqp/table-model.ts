import type { ByteReader } from './bytes.ts';
import { AmqpSyntaxError } from './errors.ts';
import type { FieldTable, FieldValue } from './field-table.ts';

/** Tables kept; a power of two. */
const PLACES = 16;
const MAX_BYTES = 2048;
/** A model that so many tables in a row were unlike gives way: where two kinds take turns, one of them is read the other way. */
const MAX_MISSES = 8;
const LETTER_VOID = 86; // V

const models: (TableModel | undefined)[] = Array.from({ length: PLACES });

/**
 * The last table of its kind. Headers of tasks have the same twenty names in the same order, and half of the same values: where the bytes are the same
 * nothing is read anew. Made as a copy of one whose members are known, a table is a fast object, too; filled name by name, V8 makes it a dictionary.
 */
export class TableModel {
  readonly #bytes: Buffer;
  readonly #entries: readonly Entry[];
  /** All names, each null. */
  readonly #blank: Readonly<Record<string, FieldValue>>;
  #misses = 0;

  private constructor(bytes: Buffer, entries: readonly Entry[], blank: Readonly<Record<string, FieldValue>>) {
    this.#bytes = bytes;
    this.#entries = entries;
    this.#blank = blank;
  }

  /** The table whose first name stands at `start`. Undefined where it has other names than the one before: nothing has been read then that counts. */
  static read(input: ByteReader, end: number, readValue: (input: ByteReader) => FieldValue): FieldTable | undefined {
    const model = models[placeOf(input)];
    if (model === undefined) return undefined;
    const table = model.#tryToRead(input, end, readValue);
    model.#misses = table === undefined ? model.#misses + 1 : 0;
    return table;
  }

  /** What was read from `start` up to here may be the model of the next. `starts`: where each name stands. */
  static keep(input: ByteReader, start: number, starts: readonly number[], table: FieldTable): void {
    const end = input.offset;
    input.offset = start;
    const place = placeOf(input);
    input.offset = end;
    const names = Object.keys(table);
    // A name that is there twice, or that means something else to an object, is left to the other way.
    if (end - start > MAX_BYTES || names.length !== starts.length || names.includes('__proto__')) return;
    const before = models[place];
    if (before !== undefined && before.#misses < MAX_MISSES) return;
    const bytes = Buffer.from(input.slice(start, end));
    const entries = starts.map((at, i): Entry => {
      const letterAt = at - start + 1 + bytes[at - start]!;
      const name = bytes.toString('utf8', at - start + 1, letterAt);
      return { name, start: at - start, letterAt, end: (starts[i + 1] ?? end) - start, letter: bytes[letterAt]!, value: table[name] as FieldValue };
    });
    // Only made by JSON.parse all its members lie within it.
    const blank = JSON.parse(JSON.stringify(Object.fromEntries(entries.map(({ name }) => [name, null])))) as Record<string, null>;
    models[place] = new TableModel(bytes, entries, blank);
  }

  /** Whatever stands there, the other way has the last word on it. */
  #tryToRead(input: ByteReader, end: number, readValue: (input: ByteReader) => FieldValue): FieldTable | undefined {
    try {
      return this.#read(input, end, readValue);
    } catch (error) {
      if (error instanceof AmqpSyntaxError) return undefined;
      throw error;
    }
  }

  #read(input: ByteReader, end: number, readValue: (input: ByteReader) => FieldValue): FieldTable | undefined {
    const bytes = this.#bytes;
    const table = { ...this.#blank };
    for (const entry of this.#entries) {
      // What follows the table is no part of it, even where it looks like the next entry.
      if (input.offset >= end) return undefined;
      // Its name, and the letter that says of what type it is.
      if (!input.skipSame(bytes, entry.start, entry.letterAt)) return undefined;
      if (entry.letter === LETTER_VOID && input.skipSame(bytes, entry.letterAt, entry.end)) continue;
      table[entry.name] = typeof entry.value === 'string' && input.skipSame(bytes, entry.letterAt, entry.end) ? entry.value : readValue(input);
      if (input.offset > end) return undefined;
    }
    return input.offset === end ? table : undefined;
  }
}

interface Entry {
  readonly name: string;
  /** Where its name, its letter and the next entry stand. */
  readonly start: number;
  readonly letterAt: number;
  readonly end: number;
  readonly letter: number;
  readonly value: FieldValue;
}

/** Kinds are told apart by the first name. */
const placeOf = (input: ByteReader): number => (input.peek(0) * 5 + input.peek(1)) & (PLACES - 1);
