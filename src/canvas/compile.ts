import { ChordError, ImproperlyConfigured } from '../errors.ts';
import type { ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { isNone, mergeOptions, prepend, stepsOf } from './signature-data.ts';
import { freeze } from './freeze.ts';
import { expanded } from './kinds.ts';
import type { CompileContext, Plan, PlannedMessage } from './plan.ts';
import { planCall } from './plan-call.ts';

export type { CompileContext, Plan, PlannedMessage, ResultNode, RouteOptions, TaskDefaults } from './plan.ts';

interface Emitted {
  readonly chords: Plan['chords'][number][];
  readonly publish: PlannedMessage[];
}

/** Makes a plan of a signature: what is sent at once, and which barriers must stand before. Pure. */
export function compile(signature: SignatureData, context: CompileContext): Plan {
  if (signature.subtask_type === null && signature.task !== 'celery.chunks') {
    const planned = planCall(signature, context);
    return { chords: NOTHING, groups: NOTHING, publish: [planned], result: { id: planned.message.headers.id, parent: null, children: null } };
  }
  const frozen = freeze(expanded(signature), context.newId, context.replyTo);
  const out: Emitted = { chords: [], publish: [] };
  emit(frozen.signature, context, out);
  return { ...out, groups: NOTHING, result: frozen.result };
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
  const forLast = given({ link, chord, group_id, group_index });
  const own = steps.map((step, index) => {
    const first = index === 0 ? mergeOptions(prepend(step, signature.args), forFirst) : step;
    const last = index === steps.length - 1 ? mergeOptions(first, forLast) : first;
    return mergeOptions(last, given({ link_error }));
  });
  const rest = [...stepsOf(chain), ...own.slice(1).toReversed()];
  emit(rest.length === 0 ? own[0]! : mergeOptions(own[0]!, { chain: rest }), context, out);
}

function emitGroup(signature: SignatureData, context: CompileContext, out: Emitted): void {
  const { task_id, link, chain, chord, group_id: _group, group_index: _index, ...forEach } = signature.options;
  if (!isNone(link) && stepsOf(link).length > 0) throw new TypeError('a group takes no callbacks: link its members, or make it a chord');
  if (!isNone(chord)) throw notBuilt('a group at the end of a chain, or as body of a chord, inside the header of another chord');
  const after = stepsOf(chain);
  if (after.length > 0) {
    const { chain: _, ...options } = signature.options;
    const body = after.at(-1)!;
    const chordSignature: SignatureData = {
      task: 'celery.chord',
      args: [],
      kwargs: { kwargs: {}, header: { ...signature, options }, body },
      options: after.length === 1 ? {} : { chain: after.slice(0, -1) },
      subtask_type: 'chord',
      immutable: false,
    };
    return emitChord(freeze(chordSignature, context.newId, context.replyTo).signature, context, out);
  }
  for (const [index, member] of membersOf(signature).entries()) {
    emit(mergeOptions(member, { ...forEach, group_id: task_id, group_index: index }), context, out);
  }
}

/** A group's members, those of groups in it among them: the message of each says the outermost group. */
function membersOf(group: SignatureData): readonly SignatureData[] {
  return stepsOf(group.kwargs['tasks']).flatMap((member) => {
    const called = prepend(member, group.args);
    if (called.subtask_type !== 'group') return [called];
    const { task_id: _, ...options } = called.options;
    return membersOf(called).map((nested) => mergeOptions(nested, options));
  });
}

function emitChord(signature: SignatureData, context: CompileContext, out: Emitted): void {
  const { task_id: _id, countdown, eta, link, link_error, chain, chord, group_id, group_index, ...shared } = signature.options;
  const header = stepsOf(signature.kwargs['header'])[0]!;
  const groupId = header.options['task_id'] as string;
  const own = stepsOf(signature.kwargs['body'])[0]!;
  const { root_id: _root, parent_id: _parent, ...forBody } = shared;
  const called = mergeOptions(own, { ...forBody, ...given({ link, link_error, chain }) });
  const body = isNone(group_id)
    ? ofHeader(called, groupId)
    : mergeOptions(called, { ...given({ group_id, chord, group_index }), add_to_parent: false, root_id: null });
  const members = membersOf(prepend(header, signature.args));
  if (members.length === 0) return emit(prepend(body, [[]]), context, out);
  if (context.chords === 'none')
    throw new ChordError('chords are not possible with this result backend: use one that stores results, such as redis:// or sqlite://');
  if (context.chords !== 'store') throw notBuilt(`a chord on a result backend that counts by ${context.chords}`);
  const { task_id: _header, ...forHeader } = header.options;
  for (const [index, member] of members.entries()) {
    const placed = { ...forHeader, ...shared, ...given({ countdown, eta }), group_id: groupId, group_index: index, chord: body };
    emit(mergeOptions(member, placed), context, out);
  }
  out.chords.push({ groupId, size: members.length, body });
}

/** A body as Celery marks it: of the header's group, where results say what they belong to. */
function ofHeader(body: SignatureData, groupId: string): SignatureData {
  if (body.subtask_type === null) return mergeOptions(body, { group_id: groupId });
  const tasks = stepsOf(body.kwargs['tasks']);
  if (body.subtask_type === 'chain') {
    const marked = tasks.map((step, index) => (index === tasks.length - 1 && step.subtask_type === null ? mergeOptions(step, { group_id: groupId }) : step));
    return { ...body, kwargs: { ...body.kwargs, tasks: marked } };
  }
  if (body.subtask_type !== 'group') return body;
  const marked = tasks.map((member, index) => mergeOptions(member, { group_id: groupId, group_index: index }));
  return mergeOptions({ ...body, kwargs: { ...body.kwargs, tasks: marked } }, { group_id: groupId, root_id: null, parent_id: null });
}

/** Those that were said. */
const given = (options: ValueMap): ValueMap => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));

const notBuilt = (what: string): ImproperlyConfigured => new ImproperlyConfigured(`${what} cannot be sent yet: this part of the canvas is not built`);
