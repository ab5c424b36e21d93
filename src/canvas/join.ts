import type { SignatureData } from '../protocol/signature.ts';
import { expanded } from './kinds.ts';
import { errorLinked, linked } from './links.ts';
import { bodyOf, chainData, chordData, groupData, isEmptyGroup, isNone, mergeCall, prepend, stepsOf, unrolled, withKwargs } from './signature-data.ts';

/** `left | right`, by Celery's table: a group before anything is the header of a chord, and what follows a chord joins its body. */
export const joined = (left: SignatureData, right: SignatureData): SignatureData => joinedAll(left, [right]);

/** `left | a | b | …`, from left to right. In one go, as one by one each would copy all the steps before it. */
export function joinedAll(left: SignatureData, others: readonly SignatureData[]): SignatureData {
  const rights = others.map(expanded);
  let made = expanded(left);
  for (let next = 0; next < rights.length;) {
    if (made.subtask_type === 'chain') return longer(made, singles(rights.slice(next)));
    const right = rights[next++]!;
    if (made.subtask_type === 'group') made = isEmptyGroup(right) ? made : asChord(made, right);
    else if (made.subtask_type !== 'chord' || isMany(right)) made = afterOne(made, unrolled(right));
    else {
      const start = next - 1;
      while (next < rights.length && !isMany(rights[next]!)) next += 1;
      made = withBody(made, rights.slice(start, next).map(unrolled));
    }
  }
  return made;
}

/** What follows a chord, instead of being taken into its body. */
const isMany = (right: SignatureData): boolean => (right.subtask_type === 'group' || right.subtask_type === 'chain') && unrolled(right) === right;

const asChord = (group: SignatureData, body: SignatureData): SignatureData =>
  chordData(stepsOf(group.kwargs['tasks']).length === 0 ? group : asHeader(group), body);

/** `chain(a, b, c)`: `a | b | c`, beginning with the chain of nothing. */
export function chained(signatures: readonly SignatureData[]): SignatureData {
  return folded(signatures.map(expanded), []);
}

/** A chain that goes on. What its last step takes up, a chord into its body and a group as what follows it, is within the chain, whose links stay its own. */
function longer(chain: SignatureData, others: readonly SignatureData[]): SignatureData {
  const own = stepsOf(chain.kwargs['tasks']);
  const takesUp = own.at(-1)?.subtask_type === 'chord' || own.at(-1)?.subtask_type === 'group';
  const end = takesUp ? others.findIndex(({ subtask_type }) => subtask_type === 'group' || subtask_type === 'chord') : 0;
  const taken = end === -1 ? others : others.slice(0, end);
  const made = taken.length === 0 ? chain : { ...folded(taken, own, chain), options: chain.options };
  return taken.length === others.length ? made : folded(others.slice(taken.length), steps(made), made);
}

/** Steps that follow one another, each joined with those before it. Linear, as long as it stays a chain. */
function folded(signatures: readonly SignatureData[], before: readonly SignatureData[], base?: SignatureData): SignatureData {
  const made = [...before];
  const left = [...signatures].reverse();
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const step = unrolled(next);
    const last = made.at(-1);
    if (isEmptyGroup(step)) continue;
    if (step.subtask_type === 'chain') left.push(...steps(step).toReversed());
    else if (step.subtask_type === 'group' && last === undefined) return joinedAll(step, left.toReversed());
    // Two groups stay two steps until they are sent.
    else if (last?.subtask_type === 'group' && step.subtask_type !== 'group') upgrade(made, last, step);
    else if (last?.subtask_type === 'chord' && step.subtask_type !== 'chord') {
      // All that follows goes the same way, up to the next chord, which is a step of its own.
      const others = singles(left.splice(0).toReversed());
      const end = others.findIndex(({ subtask_type }) => subtask_type === 'chord');
      const taken = end === -1 ? others : others.slice(0, end);
      made.splice(-1, 1, withBody(last, [step, ...taken]));
      left.push(...others.slice(taken.length).toReversed());
    } else made.push(step);
  }
  return chainData(made, base === undefined ? undefined : { ...base, options: withoutLinks(base.options) });
}

/** Steps as a chain takes them up: those of chains in it one by one, empty groups left out. */
function singles(signatures: readonly SignatureData[]): readonly SignatureData[] {
  return signatures.map(unrolled).flatMap((step) => (step.subtask_type === 'chain' ? singles(steps(step)) : isEmptyGroup(step) ? [] : [step]));
}

/** A last group that something follows is a chord; right after another chord it is what that one's body goes on with. */
function upgrade(made: SignatureData[], last: SignatureData, step: SignatureData): void {
  const upgraded = chordData(asHeader(last), step);
  const before = made.at(-2);
  if (before?.subtask_type === 'chord') made.splice(-2, 2, withBody(before, [upgraded]));
  else made.splice(-1, 1, upgraded);
}

/** A task, or a chord, and what follows it, as a chain. */
const afterOne = (left: SignatureData, right: SignatureData): SignatureData =>
  chainData(isEmptyGroup(right) ? [left] : [left, ...(right.subtask_type === 'chain' ? steps(right) : [right])]);

const withBody = (chord: SignatureData, next: readonly SignatureData[]): SignatureData => withKwargs(chord, { body: joinedAll(bodyOf(chord)!, next) });

/** A group that becomes a header is a list of its members, unless it says more than that. */
export function asHeader(group: SignatureData): SignatureData | readonly SignatureData[] {
  const tasks = stepsOf(group.kwargs['tasks']).map((member) => prepend(member, group.args));
  return Object.values(group.options).every(isNone) ? tasks : { ...groupData(tasks), options: group.options };
}

/** The links of a chain that goes on belong to the step that was its last; its errbacks to all of them. */
export function steps(chain: SignatureData): readonly SignatureData[] {
  const { link, link_error } = chain.options;
  const [callbacks, errbacks] = [stepsOf(link), stepsOf(link_error)];
  const own = stepsOf(chain.kwargs['tasks']);
  if (callbacks.length === 0 && errbacks.length === 0) return own;
  return own.map((step, index) => {
    const called = index === own.length - 1 ? callbacks.reduce(linked, step) : step;
    return errbacks.reduce((made, errback) => errorLinked(made, errback), called);
  });
}

function withoutLinks(options: SignatureData['options']): SignatureData['options'] {
  const { link: _link, link_error: _errback, ...others } = options;
  return others;
}

/** A chain's steps as steps of the chain around it: its arguments and other options go to the first of them, its id to the last. */
export function spliced(chain: SignatureData): readonly SignatureData[] {
  const { task_id, ...options } = withoutLinks(chain.options);
  const own = steps(chain);
  return own.map((step, index) => {
    const first = index === 0 ? mergeCall(chain.immutable ? step : prepend(step, chain.args), options) : step;
    return index === own.length - 1 && !isNone(task_id) && isNone(step.options['task_id']) ? mergeCall(first, { task_id }) : first;
  });
}
