import { randomUUID } from 'node:crypto';
import { DecodeError } from '../errors.ts';

/*
 * Python writes bare NaN and Infinity, and integers of any size; JSON.parse refuses the first and rounds the second. Such a text is parsed
 * with each of these numbers replaced by a map of one key that nobody else can know, and the maps are taken for numbers again afterwards.
 */
const KEY = `wide-number-${randomUUID()}`;
const MARKED = `{"${KEY}":"`;

/** As many digits as Python itself reads: beyond that, converting is too dear. */
const MAX_DIGITS = 4300;

const WIDE_DIGITS = 16;

/** A cheap test, run over every text: whether it may hold a number that JSON.parse does not read rightly. */
export const mayHoldWideNumbers = (text: string): boolean => holdsLongInteger(text) || text.includes('NaN') || text.includes('Infinity');

/** Whether there are 16 digits in a row that are no fraction. Such a row covers every 16th place once, so only these are looked at. */
function holdsLongInteger(text: string): boolean {
  for (let at = WIDE_DIGITS - 1; at < text.length; at += WIDE_DIGITS) {
    if (!isDigit(text, at)) continue;
    let start = at;
    while (isDigit(text, start - 1)) start -= 1;
    let end = at + 1;
    while (isDigit(text, end)) end += 1;
    if (end - start >= WIDE_DIGITS && text[start - 1] !== '.' && text[end] !== '.') return true;
    at = Math.max(at, end - (end % WIDE_DIGITS) - 1);
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** The text with its wide numbers marked; the same text when there is none. */
export function markWideNumbers(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const end = quote === -1 ? text.length : quote;
    parts.push(text.slice(at, end).replaceAll(/-?Infinity|NaN|-?\d[\d.eE+-]*/g, marked));
    at = quote === -1 ? end : endOfString(text, quote);
    parts.push(text.slice(end, at));
  }
  return parts.join('');
}

/** The index behind the closing quote of the string that opens at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; ;) {
    const end = text.indexOf('"', at);
    if (end === -1) return text.length;
    let before = end - 1;
    while (text[before] === '\\') before -= 1;
    // An odd number of backslashes escapes the quote.
    if ((end - before) % 2 === 1) return end + 1;
    at = end + 1;
  }
}

function marked(token: string): string {
  if (/^-?\d{16,}$/.test(token)) return Number.isSafeInteger(Number(token)) ? token : `${MARKED}${token}"}`;
  return token.endsWith('N') || token.endsWith('y') ? `${MARKED}${token}"}` : token;
}

/** The number that a map stands for; undefined when it is not one of ours. */
export function wideNumber(map: object): number | bigint | undefined {
  if (!Object.hasOwn(map, KEY)) return undefined;
  const token = (map as Readonly<Record<string, string>>)[KEY]!;
  if (token.endsWith('N') || token.endsWith('y')) return Number(token);
  if (token.length > MAX_DIGITS) throw new DecodeError(`an integer of ${token.length} digits; at most ${MAX_DIGITS} are read`);
  return BigInt(token);
}
