import type { SignatureData } from '../protocol/signature.ts';
import { expanded } from './kinds.ts';
import { bodyOf, groupData, headerOf, isNone, mergeOptions, prepend, stepsOf, withKwargs, withReplyTo } from './signature-data.ts';
import { placed } from './place.ts';
import type { ResultNode } from './plan.ts';
import { flatSteps } from './steps.ts';

export interface Frozen {
  readonly signature: SignatureData;
  readonly result: ResultNode;
}

/**
 * Gives every part of a workflow its id, so that its results are known before anything is sent; ids that are there stay.
 * A chain comes out flat, a group before another step as the header of a chord, a header always as a group, groups in groups as one.
 * Where results are sent instead of stored (rpc), each says to whom: `replyTo`.
 */
export function freeze(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  return new Freezer(newId, replyTo).freeze(expanded(signature));
}

class Freezer {
  readonly #newId: () => string;
  readonly #replyTo: string | undefined;

  constructor(newId: () => string, replyTo: string | undefined) {
    this.#newId = newId;
    this.#replyTo = replyTo;
  }

  freeze(signature: SignatureData): Frozen {
    switch (signature.subtask_type) {
      case 'chain':
        return this.#chain(signature);
      case 'group':
        return this.#group(signature, membersInOrder(signature));
      case 'chord':
        return this.#chord(signature);
      default:
        return this.#call(signature);
    }
  }

  #call(signature: SignatureData): Frozen {
    const id = (signature.options['task_id'] as string | null | undefined) ?? this.#newId();
    return { signature: withReplyTo(mergeOptions(signature, { task_id: id }), this.#replyTo), result: { id, parent: null, children: null } };
  }

  #chain(signature: SignatureData): Frozen {
    const steps = flatSteps(signature);
    // Its own id is that of its last step.
    const id = signature.options['task_id'];
    const named = isNone(id) ? steps : steps.map((step, index) => (index === steps.length - 1 ? mergeOptions(step, { task_id: id }) : step));
    const frozen = named.map((step) => (step.subtask_type === 'group' ? this.#group(step, numbered(membersReversed(step))) : this.freeze(step)));
    const last = frozen.at(-1);
    if (last === undefined) return { signature, result: { id: (id as string | undefined) ?? this.#newId(), parent: null, children: null } };
    const tasks = frozen.map((step) => step.signature);
    const result = frozen.map((step) => step.result).reduce((before, node) => after(node, before));
    return { signature: mergeOptions(withKwargs(signature, { tasks }), { task_id: last.result.id }), result };
  }

  #group(signature: SignatureData, members: readonly SignatureData[]): Frozen {
    const { signature: own, result } = this.#call(signature);
    const frozen = members.map((member) => this.freeze(member));
    return {
      signature: { ...withKwargs(own, { tasks: frozen.map((member) => member.signature) }), args: [] },
      result: { id: result.id, parent: null, children: frozen.map((member) => member.result) },
    };
  }

  #chord(signature: SignatureData): Frozen {
    const { header } = signature.kwargs;
    const given = Array.isArray(header) ? undefined : stepsOf(header)[0];
    const group = given?.subtask_type === 'group' ? given : groupData(headerOf(signature));
    const frozenHeader = this.#group(group, membersReversed(group));
    // A chord's id is its body's; one that was frozen already has its header's, and the body its own.
    const own = bodyOf(signature)!;
    const id = own.options['task_id'] ?? signature.options['task_id'];
    const frozenBody = this.freeze(isNone(id) ? own : mergeOptions(own, { task_id: id }));
    return {
      signature: withKwargs(underHeader(signature, frozenHeader), { body: frozenBody.signature }),
      result: after(frozenBody.result, frozenHeader.result),
    };
  }
}

/** A frozen chord as Celery has it: under the id of its header, whose members know their places. */
function underHeader(chord: SignatureData, { signature: header, result }: Frozen): SignatureData {
  const own = mergeOptions(withKwargs(header, { tasks: numbered(stepsOf(header.kwargs['tasks'])) }), { root_id: null, parent_id: null });
  return mergeOptions(withKwargs(chord, { header: own }), { task_id: result.id });
}

const numbered = (members: readonly SignatureData[]): readonly SignatureData[] => members.map((member, index) => placed(member, { group_index: index }));

/** The node with `before` above its topmost ancestor. */
function after(node: ResultNode, before: ResultNode | undefined): ResultNode {
  if (before === undefined) return node;
  return { ...node, parent: node.parent === null ? before : after(node.parent, before) };
}

const isEmptyChain = (signature: SignatureData): boolean => signature.subtask_type === 'chain' && flatSteps(signature).length === 0;

/** A group's members, those of groups in it among them. Each group counts its own from 0, as Celery does where a group is sent at once. */
function membersInOrder(group: SignatureData): readonly SignatureData[] {
  return stepsOf(group.kwargs['tasks'])
    .map((member) => prepend(member, group.args))
    .flatMap((member, index) => {
      if (member.subtask_type === 'group') return membersInOrder(member);
      return isEmptyChain(member) ? [] : [isNone(member.options['group_index']) ? mergeOptions(member, { group_index: index }) : member];
    });
}

/** The same for a header, and for a group as a step of a chain. There Celery's order is another: the members of a group in it come last one first. */
function membersReversed(group: SignatureData): readonly SignatureData[] {
  const called = (of: SignatureData): readonly SignatureData[] => stepsOf(of.kwargs['tasks']).map((member) => prepend(member, of.args));
  const left = [...called(group)].reverse();
  const members: SignatureData[] = [];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.subtask_type === 'group') left.push(...called(next));
    else if (!isEmptyChain(next)) members.push(next);
  }
  return members;
}
