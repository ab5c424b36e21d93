import type { Value, ValueMap } from '../protocol/json.ts';
import { KeptSteps } from '../protocol/kept-steps.ts';
import { readSignature, signatureData, type SignatureData } from '../protocol/signature.ts';
import { expanded } from './kinds.ts';

/** Null in a signature's options means that nothing was said. */
export const isNone = (value: unknown): value is null | undefined => value === null || value === undefined;

/** A list of signatures as data; null is none, and one alone a list of one. */
export function stepsOf(value: Value | undefined): readonly SignatureData[] {
  if (value === undefined || value === null) return [];
  if (value instanceof KeptSteps) return value.steps.map(expanded);
  return (Array.isArray(value) ? (value as readonly Value[]) : [value]).map((step) => expanded(readSignature(step)));
}

/** Celery's rule for partial arguments: those that come later stand in front. An immutable signature takes none. */
export function prepend(data: SignatureData, args: readonly Value[]): SignatureData {
  return args.length === 0 || data.immutable ? data : { ...data, args: [...args, ...data.args] };
}

/** Its results go to `replyTo`, unless it says where. */
export function withReplyTo(data: SignatureData, replyTo: string | undefined): SignatureData {
  return replyTo === undefined || !isNone(data.options['reply_to']) ? data : mergeOptions(data, { reply_to: replyTo });
}

/** Options over those that are there; links are added to. */
export function mergeOptions(data: SignatureData, options: ValueMap): SignatureData {
  const { link, link_error, ...rest } = options;
  if (Object.keys(options).length === 0) return data;
  let merged: SignatureData = { ...data, options: { ...data.options, ...rest } };
  if (link !== undefined) merged = addLinks(merged, 'link', stepsOf(link));
  if (link_error !== undefined) merged = addLinks(merged, 'link_error', stepsOf(link_error));
  return merged;
}

/**
 * The same as Celery merges them when a call is made of a signature: a group's id and stamps that are there stay, since changing them would
 * lose a part of a chord, or what an operator marked the call with.
 */
export function mergeCall(data: SignatureData, options: ValueMap): SignatureData {
  const stamped = (data.options['stamped_headers'] ?? []) as readonly string[];
  const kept = (name: string): boolean => (name === 'group_id' || name === 'stamped_headers' || stamped.includes(name)) && !isNone(data.options[name]);
  const names = Object.keys(options);
  if (!names.some(kept)) return mergeOptions(data, options);
  return mergeOptions(data, Object.fromEntries(Object.entries(options).filter(([name]) => !kept(name))));
}

/** Celery adds a link once, however often it is given. */
export function addLinks(data: SignatureData, key: 'link' | 'link_error', links: readonly Value[]): SignatureData {
  if (links.length === 0) return data;
  const present = stepsOf(data.options[key]) as readonly Value[];
  const known = new Set(present.map(linkText));
  const added = links.filter((link) => !known.has(linkText(link)));
  return { ...data, options: { ...data.options, [key]: [...present, ...added] } };
}

/** The same for links that are the same. JSON alone has no form for big integers. */
export const linkText = (link: Value): string => JSON.stringify(link, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));

export function chainData(steps: readonly SignatureData[], base?: SignatureData): SignatureData {
  return signatureData({
    task: 'celery.chain',
    args: base?.args ?? [],
    options: base?.options ?? {},
    kwargs: { tasks: steps },
    subtask_type: 'chain',
    immutable: base?.immutable ?? false,
  });
}

export function groupData(tasks: readonly SignatureData[]): SignatureData {
  return signatureData({ task: 'celery.group', kwargs: { tasks }, subtask_type: 'group' });
}

/** With other members, steps or header and body. */
export const withKwargs = (data: SignatureData, kwargs: ValueMap): SignatureData => ({ ...data, kwargs: { ...data.kwargs, ...kwargs } });

/** Takes no arguments from what comes before: each member of a group, the header of a chord (its body takes their values all the same). */
export function withImmutable(data: SignatureData, immutable: boolean): SignatureData {
  const each = (member: SignatureData): SignatureData => withImmutable(member, immutable);
  if (data.subtask_type === 'group') return withKwargs(data, { tasks: stepsOf(data.kwargs['tasks']).map(each) });
  if (data.subtask_type === 'chord') return withHeader(data, each);
  return { ...data, immutable };
}

/** The members of a chord's header, whether it is a list, a group or one signature; a chain stands for its steps, as in Celery. */
export function headerOf(chord: SignatureData): readonly SignatureData[] {
  const { header } = chord.kwargs;
  if (Array.isArray(header)) return stepsOf(header);
  const [only] = stepsOf(header);
  if (only === undefined) return [];
  return only.subtask_type === 'group' || only.subtask_type === 'chain' ? stepsOf(only.kwargs['tasks']) : [only];
}

/** A chord with other members in its header, which stays what it was: a list, or a group under its id. */
export function withHeader(chord: SignatureData, change: (part: SignatureData) => SignatureData): SignatureData {
  const { header } = chord.kwargs;
  const members = headerOf(chord).map(change);
  const [group] = Array.isArray(header) ? [] : stepsOf(header);
  return withKwargs(chord, { header: group?.subtask_type === 'group' ? withKwargs(group, { tasks: members }) : members });
}

/** Whether a chord has its ids: it has that of its header then. */
export function isFrozenChord({ kwargs: { header }, options: { task_id } }: SignatureData): boolean {
  return !isNone(task_id) && !Array.isArray(header) && stepsOf(header)[0]?.options['task_id'] === task_id;
}

/** A chord's body. */
export const bodyOf = (chord: SignatureData): SignatureData | undefined => stepsOf(chord.kwargs['body'])[0];

/** Nothing to run: Celery leaves such groups out of chains. */
export const isEmptyGroup = (step: SignatureData): boolean => step.subtask_type === 'group' && stepsOf(step.kwargs['tasks']).length === 0;

/** A group of one is treated as its only member where it stands in a chain: the next step gets a value, not a list of one. */
export function unrolled(step: SignatureData): SignatureData {
  if (step.subtask_type !== 'group') return step;
  const [only, second] = stepsOf(step.kwargs['tasks']);
  return only === undefined || second !== undefined ? step : prepend(only, step.args);
}

export function chordData(header: SignatureData | readonly SignatureData[], body: SignatureData): SignatureData {
  return signatureData({ task: 'celery.chord', kwargs: { kwargs: {}, header: header as Value, body }, subtask_type: 'chord' });
}
