/** A method under this symbol gives an object's own Python representation. */
export const PYTHON_REPR = Symbol('celeriac.pythonRepr');

export interface ReprOptions {
  /** Where the text is cut, to which dots and closing brackets are added. Celery's 1024 by default. */
  readonly maxLength?: number;
  /** How many lists and maps deep it goes; 0 is no limit. Celery's 3 by default (`task_repr_maxlevels`). */
  readonly maxLevels?: number;
}

/** A value as Python would print it, as Celery shortens it: for logs, events and the headers argsrepr and kwargsrepr. Nothing reads it back. */
export function pythonRepr(value: unknown, options: ReprOptions = {}): string {
  const writer = new Writer(options);
  writer.write(value, 0);
  return writer.text;
}

/** Positional arguments, as a tuple: `(2, 3)`, `(1,)`. */
export function argsRepr(args: readonly unknown[], options: ReprOptions = {}): string {
  const writer = new Writer(options);
  writer.writeItems(args, '(', args.length === 1 ? ',)' : ')', 0);
  return writer.text;
}

/** Keyword arguments, as a dict: `{'a': 1}`. */
export function kwargsRepr(kwargs: object, options: ReprOptions = {}): string {
  for (const _ in kwargs) return pythonRepr(kwargs, options);
  // Most calls have none.
  return Object.getPrototypeOf(kwargs) === Object.prototype ? '{}' : pythonRepr(kwargs, options);
}

/** Even without a limit of levels, a value that contains itself must come to an end. */
const DEEPEST = 100;

class Writer {
  text = '';
  readonly #maxLength: number;
  readonly #maxLevels: number;
  #isCut = false;

  constructor({ maxLength = 1024, maxLevels = 3 }: ReprOptions) {
    this.#maxLength = maxLength;
    this.#maxLevels = maxLevels === 0 ? DEEPEST : maxLevels;
  }

  write(value: unknown, level: number): void {
    if (typeof value !== 'object' || value === null || isAtom(value)) return this.#writeAtom(value);
    if (Array.isArray(value)) return this.writeItems(value, '[', ']', level);
    if (value instanceof Set) return value.size === 0 ? this.#add('set()') : this.writeItems([...value], '{', '}', level);
    this.#writeMap(value instanceof Map ? [...value] : Object.entries(value), level);
  }

  writeItems(items: readonly unknown[], open: string, close: string, level: number): void {
    if (level >= this.#maxLevels) return this.#add(`${open}...${close.replace(',', '')}`);
    this.#add(open);
    for (let index = 0; index < items.length; index++) {
      if (index > 0) this.#add(', ');
      this.write(items[index], level + 1);
      if (this.#isCut) return this.#closeEarly(close, index + 1 < items.length);
    }
    this.#add(close);
  }

  #writeMap(entries: readonly (readonly [unknown, unknown])[], level: number): void {
    if (level >= this.#maxLevels) return this.#add('{...}');
    this.#add('{');
    for (let index = 0; index < entries.length; index++) {
      const [key, value] = entries[index]!;
      if (index > 0) this.#add(', ');
      this.write(key, level + 1);
      if (!this.#isCut) {
        this.#add(': ');
        this.write(value, level + 1);
      }
      if (this.#isCut) return this.#closeEarly('}', index + 1 < entries.length);
    }
    this.#add('}');
  }

  /** The text is full: what is open is closed, so that it still reads as one value. */
  #closeEarly(close: string, hasMore: boolean): void {
    this.#add(hasMore ? `, ...${close.replace(',', '')}` : close);
  }

  #writeAtom(value: unknown): void {
    const [open, body, close] = atomParts(value);
    const left = Math.max(0, this.#maxLength - this.text.length);
    if (body.length <= left) return this.#add(open + body + close);
    this.#isCut = true;
    this.#add(`${open}${body.slice(0, left)}...${close}`);
  }

  #add(text: string): void {
    this.text += text;
  }
}

const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

const isAtom = (value: object): boolean =>
  PYTHON_REPR in value || value instanceof Uint8Array || value instanceof Date || value instanceof Error || tagOf(value).startsWith('Temporal.');

/** A text and what stands around it, which is kept where the text is cut. */
function atomParts(value: unknown): readonly [open: string, body: string, close: string] {
  if (typeof value === 'string') return ["'", value.replaceAll("'", String.raw`\'`), "'"];
  if (value instanceof Uint8Array) return ["b'", bytesText(value), "'"];
  return ['', atomText(value), ''];
}

function atomText(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'undefined':
      return 'None';
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return `<function ${value.name}>`;
    default:
      return value === null ? 'None' : objectText(value as object);
  }
}

function objectText(value: object): string {
  if (PYTHON_REPR in value) return (value[PYTHON_REPR] as () => string)();
  if (value instanceof Error) return `${value.name}('${value.message.replaceAll("'", String.raw`\'`)}')`;
  if (value instanceof Date) return dateText(value);
  const parts = String(value).match(/\d+/g)?.map(Number) ?? [];
  if (tagOf(value) === 'Temporal.PlainDate') return `datetime.date(${parts.join(', ')})`;
  if (tagOf(value) === 'Temporal.PlainTime') return timeText(value as PlainTimeLike);
  return `<${tagOf(value)} ${String(value)}>`;
}

interface PlainTimeLike {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  readonly microsecond: number;
}
const timeText = ({ hour, minute, second, millisecond, microsecond }: PlainTimeLike): string =>
  `datetime.time(${withoutZeros([hour, minute, second, millisecond * 1000 + microsecond], 2).join(', ')})`;

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return 'None';
  const parts = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds() * 1000,
  ];
  return datetimeRepr(parts, 'datetime.timezone.utc');
}

/** `datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc)`: seconds and microseconds that are zero are not shown. */
export const datetimeRepr = (parts: readonly number[], zone: string | undefined): string =>
  `datetime.datetime(${withoutZeros(parts, 5).join(', ')}${zone === undefined ? '' : `, tzinfo=${zone}`})`;

function withoutZeros(parts: readonly number[], keep: number): readonly number[] {
  let end = parts.length;
  while (end > keep && parts[end - 1] === 0) end -= 1;
  return parts.slice(0, end);
}

/** Python writes exponents with two digits, and nan and inf in small letters. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Number.isSafeInteger(value)) return String(value);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

function bytesText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replaceAll("'", String.raw`\'`);
  } catch {
    // Not UTF-8: Celery shows the bytes in hexadecimal then.
    return Buffer.from(bytes).toString('hex');
  }
}
