import type { Value, ValueMap } from '../protocol/json.ts';
import { readSignature, signatureData, type SignatureData } from '../protocol/signature.ts';
import { expanded } from './kinds.ts';

/** Null in a signature's options means that nothing was said. */
export const isNone = (value: unknown): value is null | undefined => value === null || value === undefined;

/** A list of signatures as data; null is none, and one alone a list of one. */
export function stepsOf(value: Value | undefined): readonly SignatureData[] {
  if (value === undefined || value === null) return [];
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

/** Celery adds a link once, however often it is given. */
export function addLinks(data: SignatureData, key: 'link' | 'link_error', links: readonly Value[]): SignatureData {
  if (links.length === 0) return data;
  const present = stepsOf(data.options[key]) as readonly Value[];
  const known = new Set(present.map((link) => JSON.stringify(link)));
  const added = links.filter((link) => !known.has(JSON.stringify(link)));
  return { ...data, options: { ...data.options, [key]: [...present, ...added] } };
}

export function chainData(steps: readonly SignatureData[], base?: SignatureData): SignatureData {
  return signatureData({ task: 'celery.chain', args: base?.args ?? [], options: base?.options ?? {}, kwargs: { tasks: steps }, subtask_type: 'chain' });
}

export function groupData(tasks: readonly SignatureData[]): SignatureData {
  return signatureData({ task: 'celery.group', kwargs: { tasks }, subtask_type: 'group' });
}

export function chordData(header: SignatureData | readonly SignatureData[], body: SignatureData): SignatureData {
  return signatureData({ task: 'celery.chord', kwargs: { kwargs: {}, header: header as Value, body }, subtask_type: 'chord' });
}
