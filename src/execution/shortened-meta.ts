import { encoded, encodeJson } from '../protocol/json-text.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { ResultMeta } from '../protocol/result-meta.ts';

/** Characters left of each argument of the error, and of each member of an extended result. */
const LONGEST = 1000;
const MOST_ARGUMENTS = 10;

/**
 * The meta of an error, cut to what every store takes: a caller that learns of a failure by the first words of its text is better off than one that waits for ever.
 * Its type stays, so that it is caught as what it is. Undefined where there was nothing to cut.
 */
export function shortenedMeta(meta: ResultMeta): ResultMeta | undefined {
  const result = shortenedError(meta.result.value());
  const traceback = meta.traceback === null ? null : cutMiddle(meta.traceback);
  const extended = meta.extended === undefined ? undefined : shortMembers(meta.extended);
  const shortened: ResultMeta = { ...meta, result: encoded(result), traceback, ...(extended && { extended }) };
  return lengthOf(shortened) < lengthOf(meta) ? shortened : undefined;
}

function shortenedError(error: Value): Value {
  if (typeof error !== 'object' || error === null || !('exc_message' in error)) return error;
  const given = error['exc_message'];
  const args = Array.isArray(given) ? (given as readonly Value[]).slice(0, MOST_ARGUMENTS).map(cut) : cut(given as Value);
  return { ...(error as ValueMap), exc_message: args };
}

/** A value that is too long becomes the beginning of its text. */
function cut(value: Value): Value {
  const text = typeof value === 'string' ? value : encodeJson(value);
  return text.length <= LONGEST ? value : `${beginning(text, LONGEST)}… (${text.length} characters, too long for the result store)`;
}

/** The end of a traceback is the error's text again; where it was raised stands before that. */
function cutMiddle(traceback: string): string {
  return traceback.length <= 4 * LONGEST
    ? traceback
    : `${beginning(traceback, 3 * LONGEST)}…\n${traceback.slice(-LONGEST / 2).replace(/^[\uDC00-\uDFFF]/, '')}`;
}

const shortMembers = (members: ValueMap): ValueMap => Object.fromEntries(Object.entries(members).map(([name, value]) => [name, cut(value ?? null)]));

/** Half a character at the cut is none that Python could print. */
const beginning = (text: string, length: number): string => text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');

const lengthOf = ({ result, traceback, extended }: ResultMeta): number =>
  result.json.length + (traceback?.length ?? 0) + (extended === undefined ? 0 : encodeJson(extended).length);
