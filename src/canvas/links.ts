import type { SignatureData } from '../protocol/signature.ts';
import { addLinks, bodyOf, isFrozenChord, stepsOf, withHeader, withKwargs } from './signature-data.ts';

/**
 * A signature with a callback. A chord's belongs to its body. A group's goes to its first member, immutable: no member has the values of the
 * others, as in Celery; where there is none, nobody calls it.
 */
export function linked(data: SignatureData, callback: SignatureData): SignatureData {
  if (data.subtask_type === 'chord') return withKwargs(data, { body: linked(bodyOf(data)!, callback) });
  if (data.subtask_type !== 'group') return addLinks(data, 'link', [callback]);
  const [first, ...others] = stepsOf(data.kwargs['tasks']);
  if (first === undefined) return data;
  return withKwargs(data, { tasks: [linked(first, { ...callback, immutable: true }), ...others] });
}

/**
 * A signature with an errback. Each member of a group gets it, so it may be called more than once. A chord's belongs to its body; where
 * `onHeader` (`taskAllowErrorCbOnChordHeader`) is set, each part of the header calls it too. Chords in the header get it as well, but not from a
 * chain around, whose steps are frozen when they get it: Celery sees one group there, and no chords.
 */
export function errorLinked(data: SignatureData, errback: SignatureData, onHeader = false): SignatureData {
  if (data.subtask_type === 'group') {
    return withKwargs(data, { tasks: stepsOf(data.kwargs['tasks']).map((member) => errorLinked(member, errback, onHeader)) });
  }
  if (data.subtask_type !== 'chord') return addLinks(data, 'link_error', [errback]);
  const isFrozen = isFrozenChord(data);
  const isTold = (part: SignatureData): boolean => onHeader || (part.subtask_type === 'chord' && !isFrozen);
  const told = withHeader(data, (part) => (isTold(part) ? errorLinked(part, errback, onHeader) : part));
  return withKwargs(told, { body: errorLinked(bodyOf(data)!, errback, onHeader) });
}

/** Several at once; null is none. */
export function withLinks(
  data: SignatureData,
  links: { readonly link?: SignatureData['options'][string]; readonly link_error?: SignatureData['options'][string] },
  onHeader = false,
): SignatureData {
  const called = stepsOf(links.link).reduce(linked, data);
  return stepsOf(links.link_error).reduce((made, errback) => errorLinked(made, errback, onHeader), called);
}
