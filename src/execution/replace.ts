import { joined } from '../canvas/join.ts';
import { withLinks } from '../canvas/links.ts';
import { placed } from '../canvas/place.ts';
import { bodyOf, isNone, mergeOptions, stepsOf, withKwargs } from '../canvas/signature-data.ts';
import { stamped, type DataVisitor } from '../canvas/stamp.ts';
import { flatSteps } from '../canvas/steps.ts';
import { dataVisitor } from '../canvas/visitor.ts';
import { ImproperlyConfigured } from '../errors.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody, TaskHeaders } from '../protocol/task-message.ts';

/** Thrown by `self.replace()`: the task ends, and `signature` gives its result. */
export class Replaced extends Error {
  readonly signature: SignatureData;

  constructor(signature: SignatureData) {
    super(`the task is replaced by ${signature.task}`);
    this.name = 'Replaced';
    this.signature = signature;
  }
}

/** The signature that takes a running task's place: its id, its callbacks, its stamps, what comes after it and the chord it is a part of move on. */
export function replacement(received: ReceivedTask, body: TaskBody, wanted: SignatureData): SignatureData {
  const { headers } = received;
  if (!isNone(wanted.options['chord'])) throw new ImproperlyConfigured('a signature that replaces a task must not be part of a chord already');
  if (wanted.subtask_type === 'chain' && flatSteps(wanted).length === 0) throw new ImproperlyConfigured('a task cannot be replaced by an empty chain');
  const replaced_task_nesting = headers.replaced_task_nesting + 1;
  const nested = (step: SignatureData): SignatureData => mergeOptions(step, { replaced_task_nesting });
  const { callbacks, errbacks, chain, chord } = body.embed;
  const linked = withLinks(withId(asOneResult(stampedAs(wanted, headers)), headers.id), { link: callbacks, link_error: errbacks });
  const own = nested(mergeOptions(linked, { root_id: headers.root_id ?? headers.id, parent_id: headers.id }));
  const all = own.subtask_type === 'chain' ? withKwargs(own, { tasks: stepsOf(own.kwargs['tasks']).map(nested) }) : own;
  const part = headers.group === null ? all : placed(all, { group_id: headers.group, group_index: headers.group_index ?? undefined, chord });
  return (chain ?? []).toReversed().map(nested).reduce(joined, part);
}

/** A group becomes a chord whose body gives the list of its results, at the end of a workflow too: a task has one result, and somebody may wait for it. */
function asOneResult(signature: SignatureData): SignatureData {
  switch (signature.subtask_type) {
    case 'group':
      return joined(signature, signatureData({ task: 'celery.accumulate', kwargs: { index: 0 } }));
    case 'chord':
      return withKwargs(signature, { body: asOneResult(bodyOf(signature)!) });
    case 'chain':
      return ofLast(signature, asOneResult);
    default:
      return signature;
  }
}

/** The id goes to what gives the result. */
function withId(signature: SignatureData, id: string): SignatureData {
  if (signature.subtask_type === 'chain') return ofLast(signature, (last) => withId(last, id));
  if (signature.subtask_type === 'chord') return withKwargs(signature, { body: withId(bodyOf(signature)!, id) });
  return mergeOptions(signature, { task_id: id });
}

function ofLast(chain: SignatureData, change: (last: SignatureData) => SignatureData): SignatureData {
  const steps = stepsOf(chain.kwargs['tasks']);
  return withKwargs(chain, { tasks: steps.map((step, index) => (index === steps.length - 1 ? change(step) : step)) });
}

/** Whoever revokes by a stamp means the replacement too. */
function stampedAs(wanted: SignatureData, { stamped_headers: names, stamps }: TaskHeaders): SignatureData {
  if (names === null || names.length === 0) return wanted;
  const kept = Object.fromEntries(names.flatMap((name) => (stamps[name] === undefined ? [] : [[name, stamps[name]]])));
  return stamped(wanted, { ...kept, stamped_headers: Object.keys(kept) }, { visitor: EVERYWHERE, append: false });
}

/** Stamps bodies too. */
const EVERYWHERE: DataVisitor = dataVisitor({ onSignature: () => ({}) }, (data) => data);
