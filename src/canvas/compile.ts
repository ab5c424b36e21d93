import { ChordError, ImproperlyConfigured } from '../errors.ts';
import type { ValueMap } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { freeze } from './freeze.ts';
import { errorLinked, withLinks } from './links.ts';
import { placed, sizeOf, unplaced } from './place.ts';
import { childOf, resultOf, tupleOf } from './result-node.ts';
import { bodyOf, chordData, isNone, mergeCall, mergeOptions, prepend, stepsOf } from './signature-data.ts';
import type { CompileContext, Plan, PlannedMessage, ResultNode } from './plan.ts';
import { planCall } from './plan-call.ts';
import { unlockCall } from './unlock-call.ts';

export type { CompileContext, Plan, PlannedMessage, ResultNode, RouteOptions, TaskDefaults } from './plan.ts';

interface Emitted {
  readonly chords: Plan['chords'][number][];
  readonly groups: Plan['groups'][number][];
  readonly publish: PlannedMessage[];
}

/** Makes a plan of a signature: what is sent at once, and which barriers must stand before. Pure. */
export function compile(signature: SignatureData, context: CompileContext): Plan {
  if (signature.subtask_type === null && signature.task !== 'celery.chunks') {
    const planned = planCall(signature, context);
    return { chords: NOTHING, groups: NOTHING, publish: [planned], result: { id: planned.message.headers.id, parent: null, children: null } };
  }
  const frozen = freeze(signature, context.newId, context.replyTo);
  const out: Emitted = { chords: [], groups: [], publish: [] };
  emit(frozen.signature, context, out);
  return { ...out, result: frozen.result, child: childOf(frozen.signature, frozen.result) };
}
const NOTHING: readonly never[] = [];

function emit(signature: SignatureData, context: CompileContext, out: Emitted): void {
  switch (signature.subtask_type) {
    case null:
      out.publish.push(planCall(signature, context));
      return;
    case 'chain':
      return emitChain(signature, context, out);
    case 'group':
      return emitGroup(signature, context, out);
    case 'chord':
      return emitChord(signature, context, out);
    default:
      throw notBuilt(`a signature of the kind ${JSON.stringify(signature.subtask_type)}`);
  }
}

/** The first step is sent, the others ride in it, the last of them first. */
function emitChain(signature: SignatureData, context: CompileContext, out: Emitted): void {
  const steps = stepsOf(signature.kwargs['tasks']);
  if (steps.length === 0) throw new ImproperlyConfigured('an empty chain cannot be sent');
  const { task_id: _, link, link_error, chain, chord, group_id, group_index, ...forFirst } = signature.options;
  const own = steps.map((step, index) => {
    const first = index === 0 ? mergeCall(signature.immutable ? step : prepend(step, signature.args), forFirst) : step;
    const made = index === steps.length - 1 ? called(first, { link, chord, group_id, group_index }) : first;
    return withLinks(made, { link_error }, context.linksErrorsOnHeader);
  });
  const rest = [...stepsOf(chain), ...own.slice(1).toReversed()];
  emit(rest.length === 0 ? own[0]! : mergeOptions(own[0]!, { chain: rest }), context, out);
}

/** The step that gives the result of a chain, with what the chain says of its result. */
function called(last: SignatureData, { link, chord, group_id, group_index }: ValueMap): SignatureData {
  const place = { group_id: group_id as string, group_index: (group_index ?? undefined) as number | undefined, chord };
  const own = isNone(group_id) ? last : placed(last, place);
  // Each member of a group calls them; those of a chord that ends in a group are its first member's.
  return own.subtask_type === 'group' ? mergeOptions(own, given({ link })) : withLinks(own, { link });
}

function emitGroup(signature: SignatureData, context: CompileContext, out: Emitted): void {
  const { task_id, link, link_error, chain, chord, group_id: _group, group_index: _index, ...forEach } = signature.options;
  const after = stepsOf(chain);
  if (after.length > 0) {
    // As the body of a chord its members knew the group of that header: they are parts of a chord of their own now.
    const group = unplaced(signature);
    const { chain: _, ...options } = group.options;
    const upgraded = signatureData({
      ...chordData({ ...group, options }, after.at(-1)!),
      options: after.length === 1 ? {} : { chain: after.slice(0, -1) },
    });
    return emitChord(freeze(upgraded, context.newId, context.replyTo).signature, context, out);
  }
  for (const [index, member] of stepsOf(signature.kwargs['tasks']).entries()) {
    const place = { group_index: member.options['group_index'] ?? index, ...given({ chord }) };
    const own = withLinks(prepend(member, signature.args), { link, link_error });
    emit(mergeCall(own, { ...forEach, group_id: task_id, ...place }), context, out);
  }
}

function emitChord(signature: SignatureData, context: CompileContext, out: Emitted): void {
  const { task_id: _id, countdown, eta, link, link_error, chain, chord, group_id, group_index, ...shared } = signature.options;
  const header = stepsOf(signature.kwargs['header'])[0]!;
  const groupId = header.options['task_id'] as string;
  const { root_id: _root, parent_id: _parent, ...forBody } = shared;
  const own = withLinks(mergeCall(bodyOf(signature)!, { ...forBody, ...given({ chain }) }), { link, link_error });
  // In the header of another chord the body is a part of that one, and nobody's child but its own header's.
  const body = isNone(group_id)
    ? placed(own, { group_id: groupId })
    : mergeOptions(called(own, { chord, group_id, group_index }), {
        add_to_parent: false,
        root_id: null,
        ...(own.subtask_type === 'group'
          ? { group_id: groupId }
          : // Its place in the header of a chord further out is that of the result: there it keeps its group.
            own.subtask_type === null && (isNone(own.options['chord']) || isNone(own.options['group_id']))
            ? { group_id: group_id! }
            : null),
      });
  const members = stepsOf(header.kwargs['tasks']).map((member) => prepend(prepend(member, header.args), signature.immutable ? [] : signature.args));
  if (members.length === 0) return emit(prepend(body, [[]]), context, out);
  const results = members.map(resultOf);
  const carried = barrier({ groupId, body, results, size: members.reduce((sum, member) => sum + sizeOf(member), 0) }, context, out);
  const { task_id: _header, link_error: forParts, ...forHeader } = header.options;
  for (const [index, member] of members.entries()) {
    const place = { group_id: groupId, group_index: index, chord: carried };
    emit(mergeCall(mergeCall(errorLinks(member, forParts), { ...forHeader, ...shared, ...given({ countdown, eta }) }), place), context, out);
  }
}

interface Barrier {
  readonly groupId: string;
  readonly size: number;
  readonly body: SignatureData;
  readonly results: readonly ResultNode[];
}

/** What must stand before the header is sent, as the result store can count; gives the body that the parts carry. */
function barrier({ groupId, size, body, results }: Barrier, context: CompileContext, out: Emitted): SignatureData {
  const tree = tupleOf({ id: groupId, parent: null, children: results });
  switch (context.chords) {
    case 'store':
      // Values of groups stay together in what the body gets, so the body's starter must know them.
      if (results.some((result) => result.children !== null)) out.groups.push({ groupId, tree });
      out.chords.push({ groupId, size, body });
      return body;
    case 'counter': {
      // Celery's workers take the members for the parts where nothing is said; groups in the header make more of them.
      const counted = { ...body, chord_size: size };
      out.groups.push({ groupId, tree });
      out.chords.push({ groupId, size, body: counted });
      return counted;
    }
    case 'unlock': {
      const planned = planCall(unlockCall({ groupId, body, members: results.map(tupleOf) }, context.defaults?.(body.task)?.options), context);
      out.publish.push({ ...planned, route: { name: body.task, ...planned.route } });
      return body;
    }
    case 'none':
      throw new ChordError('chords are not possible with this result backend: use one that stores results, such as redis:// or sqlite://');
  }
}

const errorLinks = (data: SignatureData, link_error: ValueMap[string]): SignatureData =>
  stepsOf(link_error).reduce((made, errback) => errorLinked(made, errback), data);

/** Those that were said. */
const given = (options: ValueMap): ValueMap => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));

const notBuilt = (what: string): ImproperlyConfigured => new ImproperlyConfigured(`${what} cannot be sent yet: this part of the canvas is not built`);
