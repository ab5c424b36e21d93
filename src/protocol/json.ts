import type { Temporal } from 'temporal-polyfill';
import { PYTHON_REPR } from '../kernel/repr.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** What messages and results hold once decoded: JSON and kombu's typed values. Integers beyond 2^53 come as bigint, `date` and `time` as Temporal's. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Temporal.PlainDate
  | Temporal.PlainTime
  | Uint8Array
  | Uuid
  | Decimal
  | readonly Value[]
  | ValueMap;
export interface ValueMap {
  readonly [key: string]: Value | undefined;
}
/** Python's `uuid.UUID`, kept apart from strings. */
export class Uuid {
  readonly #text: string;

  constructor(text: string) {
    const hex = text.toLowerCase().replaceAll(/^urn:uuid:|[{}-]/g, '');
    if (!/^[0-9a-f]{32}$/.test(hex)) throw new TypeError(`not a UUID: ${JSON.stringify(text)}`);
    this.#text = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  toString(): string {
    return this.#text;
  }

  /** For what prints plain JSON, such as a log; in messages it is typed. */
  toJSON(): string {
    return this.#text;
  }

  [PYTHON_REPR](): string {
    return `UUID('${this.#text}')`;
  }
}

/** Python's `decimal.Decimal`: a number kept as its text, no digit lost. */
export class Decimal {
  readonly #text: string;

  constructor(text: string | bigint | number) {
    this.#text = String(text).trim();
    if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|s?nan\d*)$/i.test(this.#text))
      throw new TypeError(`not a decimal number: ${JSON.stringify(String(text))}`);
  }

  toString(): string {
    return this.#text;
  }

  /** For what prints plain JSON, such as a log; in messages it is typed. */
  toJSON(): string {
    return this.#text;
  }

  [PYTHON_REPR](): string {
    return `Decimal('${this.#text}')`;
  }
}

/**
 * A value as kombu's typed JSON text, written once where the task ran. Metas, chord parts and the next body take the text as it is;
 * `value()` decodes when first asked (another serializer, a listener, a waiting `get`). Over IPC only `json` travels.
 */
export interface Encoded {
  readonly json: string;
  value(): Value;
}
