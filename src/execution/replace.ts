import { ImproperlyConfigured } from '../errors.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import type { SignatureData } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';

/** Thrown by `self.replace()`: the task ends, and `signature` gives its result. */
export class Replaced extends Error {
  readonly signature: SignatureData;

  constructor(signature: SignatureData) {
    super(`the task is replaced by ${signature.task}`);
    this.name = 'Replaced';
    this.signature = signature;
  }
}

/** The signature that takes a running task's place: its id, its callbacks, what comes after it and the chord it is a part of move on. */
export function replacement(received: ReceivedTask, body: TaskBody, wanted: SignatureData): SignatureData {
  const { headers } = received;
  const signature = asOneResult(wanted);
  if ((signature.options['chord'] ?? null) !== null) throw new ImproperlyConfigured('a signature that replaces a task must not be part of a chord already');
  const replaced_task_nesting = headers.replaced_task_nesting + 1;
  const nested = (step: SignatureData): SignatureData => withOptions(step, { replaced_task_nesting });
  const following = (body.embed.chain ?? []).map(nested);
  const own: ValueMap = {
    task_id: headers.id,
    root_id: headers.root_id ?? headers.id,
    parent_id: headers.id,
    group_id: headers.group ?? undefined,
    group_index: headers.group_index ?? undefined,
    chord: body.embed.chord ?? undefined,
    replaced_task_nesting,
  };
  const links = { link: body.embed.callbacks, link_error: body.embed.errbacks };
  const steps = stepsOf(signature);
  if (steps === undefined) return withLinks(withOptions(signature, { ...own, ...(following.length === 0 ? {} : { chain: following }) }), links);
  // The embed's chain runs from its end; the steps of a chain signature from their start.
  const last = withLinks(asOneResult(steps.at(-1)!), { link: links.link, link_error: null });
  const tasks = [...steps.slice(0, -1), last].map(nested).concat(following.toReversed());
  return withLinks(withOptions({ ...signature, kwargs: { ...signature.kwargs, tasks } }, own), { link: null, link_error: links.link_error });
}

/** The steps of a chain; undefined for anything else. */
function stepsOf(signature: SignatureData): readonly SignatureData[] | undefined {
  if (signature.subtask_type !== 'chain') return undefined;
  const steps = (signature.kwargs['tasks'] ?? []) as readonly SignatureData[];
  if (steps.length === 0) throw new ImproperlyConfigured('a task cannot be replaced by an empty chain');
  return steps;
}

/** A group becomes a chord whose body gives the list of its results: a task has one result. */
function asOneResult(signature: SignatureData): SignatureData {
  if (signature.subtask_type !== 'group') return signature;
  const body: SignatureData = { task: 'celery.accumulate', args: [], kwargs: { index: 0 }, options: {}, subtask_type: null, immutable: false };
  const kwargs = { kwargs: {}, header: signature, body };
  return { task: 'celery.chord', args: [], kwargs, options: {}, subtask_type: 'chord', immutable: false };
}

function withOptions(signature: SignatureData, options: ValueMap): SignatureData {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...signature, options: { ...signature.options, ...Object.fromEntries(given) } };
}

function withLinks(
  signature: SignatureData,
  links: { readonly link: readonly SignatureData[] | null; readonly link_error: readonly SignatureData[] | null },
): SignatureData {
  const added = Object.entries(links).flatMap(([key, more]) => {
    if (more === null || more.length === 0) return [];
    return [[key, [...listOf(signature.options[key]), ...more]] as const];
  });
  return withOptions(signature, Object.fromEntries(added));
}

const listOf = (value: Value | undefined): readonly Value[] =>
  value === null || value === undefined ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value];
