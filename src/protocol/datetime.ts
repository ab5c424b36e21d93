import { PYTHON_REPR, datetimeRepr } from '../kernel/repr.ts';

/**
 * A `datetime` as it came: a Date that remembers its text, so that naive, zoned and microsecond values are written back unchanged
 * by a retry or a chain. Once its time is changed it is an ordinary Date again.
 */
export class WireDate extends Date {
  readonly #text: string;
  readonly #readAs: number;

  /** Throws RangeError when the text is not an ISO-8601 date and time. */
  constructor(text: string) {
    const time = parseDatetime(text);
    if (time === undefined) throw new RangeError(`not an ISO-8601 date and time: ${JSON.stringify(text.slice(0, 100))}`);
    super(time);
    this.#text = text;
    this.#readAs = time;
  }

  /** The text it came from; undefined when the time has been changed since. */
  get text(): string | undefined {
    return this.getTime() === this.#readAs ? this.#text : undefined;
  }

  [PYTHON_REPR](): string {
    return isoRepr(this.text ?? this.toISOString());
  }
}

const ISO = /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(?:(Z)|([+-])(\d\d):?(\d\d)?(?::?(\d\d)(?:\.\d+)?)?)?)?$/i;

/**
 * Milliseconds since the epoch of an ISO-8601 text, as Python and others write them: naive ones are UTC, digits beyond the millisecond are cut off,
 * a date alone is its midnight. Undefined when it is none.
 */
export function parseDatetime(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const date = new Date(0);
  date.setUTCFullYear(part(1), part(2) - 1, part(3));
  // A 13th month or a 30th of February would roll over silently.
  if (date.getUTCMonth() !== part(2) - 1 || date.getUTCDate() !== part(3)) return undefined;
  if (part(4) > 23 || part(5) > 59 || part(6) > 59 || part(11) > 59) return undefined;
  date.setUTCHours(part(4), part(5), part(6), ms);
  const offsetMs = ((part(10) * 60 + part(11)) * 60 + part(12)) * 1000;
  return date.getTime() - (match[9] === '-' ? -offsetMs : offsetMs);
}

/** A datetime as Python prints it, from its ISO text. */
function isoRepr(text: string): string {
  const match = ISO.exec(text)!;
  const parts = [1, 2, 3, 4, 5, 6].map((index) => Number(match[index] ?? 0));
  const microseconds = Number((match[7] ?? '').slice(0, 6).padEnd(6, '0'));
  const seconds = (Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0)) * 60 + Number(match[12] ?? 0);
  const isUtc = match[8] !== undefined || (match[9] !== undefined && seconds === 0);
  const delta = match[9] === '-' ? `days=-1, seconds=${86_400 - seconds}` : `seconds=${seconds}`;
  const zone = isUtc ? 'datetime.timezone.utc' : match[9] === undefined ? undefined : `datetime.timezone(datetime.timedelta(${delta}))`;
  return datetimeRepr([...parts, microseconds], zone);
}

/** Whether the text names no zone. */
export const isNaive = (text: string): boolean => !/(?:Z|[+-]\d\d:?(?:\d\d)?(?::?\d\d(?:\.\d+)?)?)$/i.test(text.slice(10));

/** A date as `datetime` in a message: the text it came from, else UTC with three digits. Undefined for what Python has no datetime for (invalid, or a year outside 1 to 9999). */
export function datetimeText(date: Date): string | undefined {
  if (date instanceof WireDate && date.text !== undefined) return date.text;
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9999 ? `${date.toISOString().slice(0, -1)}+00:00` : undefined;
}

const cache = { at: Number.NaN, text: '' };

/** Python's `isoformat()` in UTC with six digits: `2026-11-22T09:42:17.388000+00:00`, for `date_done`, `eta` and `expires`. The text of the millisecond last asked for is kept. */
export function pythonIso(at: number): string {
  if (cache.at !== at) {
    cache.text = `${new Date(at).toISOString().slice(0, -1)}000+00:00`;
    cache.at = at;
  }
  return cache.text;
}
