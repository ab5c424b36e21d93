import type { SignatureData } from '../protocol/signature.ts';
import { joined, spliced } from './join.ts';
import { bodyOf, chordData, isEmptyGroup, mergeCall, stepsOf, unrolled, withKwargs } from './signature-data.ts';

/**
 * The steps of a chain as they are sent: chains in it spliced, groups of one taken for their member, empty ones left out, each group that
 * something follows made a chord, and the body of a chord that is a chain split, so that no message carries the steps to come twice.
 */
export function flatSteps(signature: SignatureData): readonly SignatureData[] {
  const flat = flattened(stepsOf(signature.kwargs['tasks']));
  const full = flat.filter((step) => !isEmptyGroup(step));
  const steps = full.length > 0 ? full : flat.slice(0, 1);
  const upgraded: SignatureData[] = [];
  for (const step of steps.toReversed()) {
    const next = upgraded[0];
    if (next === undefined) upgraded.push(step);
    else if (step.subtask_type === 'group') upgraded[0] = chordData(step, next);
    // A group has no one result that could go on: what follows such a body is the body of the chord that it becomes.
    else if (step.subtask_type === 'chord' && bodyOf(step)?.subtask_type === 'group') upgraded[0] = withKwargs(step, { body: joined(bodyOf(step)!, next) });
    else upgraded.unshift(step);
  }
  return upgraded;
}

function flattened(steps: readonly SignatureData[]): readonly SignatureData[] {
  return steps.flatMap((given) => {
    const step = unrolled(given);
    if (step.subtask_type === 'chain') return flattened(spliced(step));
    return step.subtask_type === 'chord' ? split(step) : [step];
  });
}

/** `chord(header, a | b | c)` in a chain is `chord(header, a), b, c`: each part of a header carries the body. */
function split(chord: SignatureData): readonly SignatureData[] {
  const body = bodyOf(chord);
  if (body?.subtask_type !== 'chain') return [chord];
  const [first, ...rest] = spliced(body);
  if (first === undefined || first.subtask_type === 'group') return [chord];
  const { link, link_error, ...options } = chord.options;
  // Links of the whole chord, and its id, belong to what gives its result, which is the last step now.
  const last = rest.at(-1);
  const placed = mergeCall(last ?? first, given({ link, link_error }));
  const own = { ...withKwargs(chord, { body: last === undefined ? placed : first }), options };
  return flattened(last === undefined ? [own] : [own, ...rest.slice(0, -1), placed]);
}

const given = (options: SignatureData['options']): SignatureData['options'] =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
