import type { Value } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { bodyOf, isNone, mergeOptions, stepsOf, withKwargs } from './signature-data.ts';

/** The group that a call is a member of, and the chord it is a part of. */
export interface Place {
  /** Undefined where only the index is known yet. */
  readonly group_id?: string | undefined;
  readonly group_index?: number | undefined;
  /** The body. Undefined where there is no chord. */
  readonly chord?: Value | undefined;
}

/**
 * Writes a place into what gives a signature's result: the last step of a chain, the body of a chord, every member of a group, which count by
 * themselves. A group that is there stays: whoever froze the signature knows better.
 */
export function placed(signature: SignatureData, place: Place): SignatureData {
  const { group_id, group_index, chord } = place;
  const own = (): SignatureData =>
    mergeOptions(signature, {
      ...(group_id !== undefined && isNone(signature.options['group_id']) ? { group_id } : null),
      ...(isNone(chord) ? null : { chord: chord! }),
      ...(group_index === undefined ? null : { group_index }),
    });
  switch (signature.subtask_type) {
    case 'group': {
      const tasks = stepsOf(signature.kwargs['tasks']).map((member, index) => placed(member, { ...place, group_index: index }));
      const { root_id = null, parent_id = null } = signature.options;
      return withKwargs(mergeOptions(own(), { ...(group_id === undefined ? null : { group_id }), root_id, parent_id }), { tasks });
    }
    case 'chain': {
      const steps = stepsOf(signature.kwargs['tasks']);
      const last = steps.at(-1);
      return last === undefined ? signature : withKwargs(signature, { tasks: [...steps.slice(0, -1), placed(last, place)] });
    }
    case 'chord': {
      const body = bodyOf(signature);
      return body === undefined ? signature : withKwargs(signature, { body: placed(body, place) });
    }
    default:
      return own();
  }
}

/** The same without its place: what gives its result is a member of no group and a part of no chord. */
export function unplaced(signature: SignatureData): SignatureData {
  const tasks = (): readonly SignatureData[] => stepsOf(signature.kwargs['tasks']);
  const own = mergeOptions(signature, { group_id: null, group_index: null, chord: null });
  switch (signature.subtask_type) {
    case 'group':
      return withKwargs(own, { tasks: tasks().map(unplaced) });
    case 'chain':
      return withKwargs(own, { tasks: tasks().map((step, index, all) => (index === all.length - 1 ? unplaced(step) : step)) });
    case 'chord': {
      const body = bodyOf(signature);
      return body === undefined ? own : withKwargs(own, { body: unplaced(body) });
    }
    default:
      return own;
  }
}

/** How many parts of a chord a signature is: as many as report to it in the end. */
export function sizeOf(signature: SignatureData): number {
  switch (signature.subtask_type) {
    case 'group':
      return stepsOf(signature.kwargs['tasks']).reduce((sum, member) => sum + sizeOf(member), 0);
    case 'chain':
      return (
        stepsOf(signature.kwargs['tasks'])
          .toReversed()
          .map(sizeOf)
          .find((size) => size > 0) ?? 0
      );
    case 'chord': {
      const body = bodyOf(signature);
      return body === undefined ? 0 : sizeOf(body);
    }
    default:
      return 1;
  }
}
