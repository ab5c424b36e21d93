import type { Value } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { chordData, groupData, isNone, mergeOptions, prepend, stepsOf, withReplyTo } from './signature-data.ts';
import type { ResultNode } from './plan.ts';

export interface Frozen {
  readonly signature: SignatureData;
  readonly result: ResultNode;
}

/**
 * Gives every part of a workflow its id, so that its results are known before anything is sent; ids that are there stay.
 * A chain comes out flat, a group before another step as the header of a chord, a header always as a group.
 * Where results are sent instead of stored (rpc), each says to whom: `replyTo`.
 */
export function freeze(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  switch (signature.subtask_type) {
    case 'chain':
      return freezeChain(signature, newId, replyTo);
    case 'group':
      return freezeGroup(signature, newId, replyTo);
    case 'chord':
      return freezeChord(signature, newId, replyTo);
    default:
      return signature.task === 'celery.chunks' ? freezeGroup(chunksGroup(signature), newId, replyTo) : freezeCall(signature, newId, replyTo);
  }
}

function freezeCall(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  const id = (signature.options['task_id'] as string | null | undefined) ?? newId();
  return { signature: withReplyTo(mergeOptions(signature, { task_id: id }), replyTo), result: { id, parent: null, children: null } };
}

function freezeChain(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  const steps = flatSteps(signature);
  // Its own id is that of its last step.
  const id = signature.options['task_id'];
  const named = isNone(id) ? steps : steps.map((step, index) => (index === steps.length - 1 ? mergeOptions(step, { task_id: id }) : step));
  const frozen = named.map((step) => freeze(step, newId, replyTo));
  const last = frozen.at(-1);
  if (last === undefined) return { signature, result: { id: (id as string | undefined) ?? newId(), parent: null, children: null } };
  const tasks = frozen.map((step) => asStep(step.signature));
  const result = frozen.map((step) => step.result).reduce((before, node) => after(node, before));
  return { signature: mergeOptions({ ...signature, kwargs: { ...signature.kwargs, tasks } }, { task_id: last.result.id }), result };
}

/** A chord as a step of a chain, as Celery has it: under the id of its header, whose members know their places. */
function asStep(step: SignatureData): SignatureData {
  if (step.subtask_type !== 'chord') return step;
  const header = stepsOf(step.kwargs['header'])[0]!;
  const tasks = stepsOf(header.kwargs['tasks']).map((member, index) => mergeOptions(member, { group_index: index }));
  const placed = mergeOptions({ ...header, kwargs: { ...header.kwargs, tasks } }, { root_id: null, parent_id: null });
  return mergeOptions({ ...step, kwargs: { ...step.kwargs, header: placed } }, { task_id: header.options['task_id'] });
}

function freezeGroup(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  const frozen = freezeCall(signature, newId, replyTo);
  const members = stepsOf(signature.kwargs['tasks']).map((member) => freeze(member, newId, replyTo));
  const tasks = members.map((member) => member.signature);
  return {
    signature: { ...frozen.signature, kwargs: { ...signature.kwargs, tasks } },
    result: { id: frozen.result.id, parent: null, children: members.map((member) => member.result) },
  };
}

function freezeChord(signature: SignatureData, newId: () => string, replyTo?: string): Frozen {
  const { header, body } = signature.kwargs;
  const given = Array.isArray(header) ? groupData(stepsOf(header)) : stepsOf(header)[0]!;
  const asGroup = given.subtask_type === 'group' ? given : groupData([given]);
  const frozenHeader = freezeGroup(asGroup, newId, replyTo);
  // A chord's id is its body's; one that was frozen already has its header's, and the body its own.
  const own = stepsOf(body)[0]!;
  const id = own.options['task_id'] ?? signature.options['task_id'];
  const frozenBody = freeze(isNone(id) ? own : mergeOptions(own, { task_id: id }), newId, replyTo);
  return {
    signature: { ...signature, kwargs: { ...signature.kwargs, header: frozenHeader.signature, body: frozenBody.signature } },
    result: after(frozenBody.result, frozenHeader.result),
  };
}

/** The node with `before` above its topmost ancestor. */
function after(node: ResultNode, before: ResultNode | undefined): ResultNode {
  if (before === undefined) return node;
  return { ...node, parent: node.parent === null ? before : after(node.parent, before) };
}

/** The steps of a chain, chains in it spliced, empty ones left out, and each group that something follows made a chord. */
export function flatSteps(signature: SignatureData): readonly SignatureData[] {
  const spliced = stepsOf(signature.kwargs['tasks']).flatMap((step) => (step.subtask_type === 'chain' ? inner(step) : [step]));
  const full = spliced.filter((step) => !isEmptyGroup(step));
  const steps = full.length > 0 ? full : spliced.slice(0, 1);
  const joined: SignatureData[] = [];
  for (const step of steps.toReversed()) {
    const next = joined[0];
    if (next === undefined) joined.push(step);
    else if (step.subtask_type === 'group') joined[0] = chordData(step, next);
    else if (hasGroupBody(step)) joined[0] = withBody(step, chordData(stepsOf(step.kwargs['body'])[0]!, next));
    else joined.unshift(step);
  }
  return joined;
}

/** A chain's steps as steps of the chain around it: its arguments and options go to the first of them, its links to the last. */
function inner(chain: SignatureData): readonly SignatureData[] {
  const { task_id, link, link_error, ...options } = chain.options;
  const steps = flatSteps(chain);
  return steps.map((step, index) => {
    const first = index === 0 ? mergeOptions(prepend(step, chain.args), options) : step;
    const last = index === steps.length - 1 ? mergeOptions(first, { ...(isNone(task_id) ? {} : { task_id }), ...(isNone(link) ? {} : { link }) }) : first;
    return isNone(link_error) ? last : mergeOptions(last, { link_error });
  });
}

const isEmptyGroup = (step: SignatureData): boolean => step.subtask_type === 'group' && stepsOf(step.kwargs['tasks']).length === 0;

const hasGroupBody = (step: SignatureData): boolean => step.subtask_type === 'chord' && stepsOf(step.kwargs['body'])[0]?.subtask_type === 'group';

const withBody = (chord: SignatureData, body: SignatureData): SignatureData => signatureData({ ...chord, kwargs: { ...chord.kwargs, body } });

/** A call of `celery.chunks` is never sent: it is a group of starmaps of `n` rows each. */
function chunksGroup(signature: SignatureData): SignatureData {
  const { task, it, n } = signature.kwargs;
  const rows = (it ?? []) as readonly Value[];
  const size = Math.max(1, Number(n) || 1);
  const count = Math.ceil(rows.length / size);
  const part = (index: number): SignatureData =>
    signatureData({
      task: 'celery.starmap',
      kwargs: { task, it: rows.slice(index * size, (index + 1) * size) },
      options: stepsOf(task)[0]!.options,
      immutable: true,
    });
  return { ...groupData(Array.from({ length: count }, (_, index) => part(index))), options: signature.options };
}
