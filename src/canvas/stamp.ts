import type { Json, Value, ValueMap } from '../protocol/json.ts';
import { isMap, type SignatureData } from '../protocol/signature.ts';
import { bodyOf, isNone, stepsOf, withHeader, withKwargs } from './signature-data.ts';

/** What is stamped: names with their values. Under `stamped_headers` the names that count, where others are meant as plain options. */
export type Stamps = Readonly<Record<string, Json>>;
type Hook = (signature: SignatureData, stamps: ValueMap) => Stamps | undefined;

/** A visitor over data: what the public one says of signatures. */
export interface DataVisitor {
  readonly onSignature: Hook;
  readonly onGroupStart: Hook;
  readonly onGroupEnd: (group: SignatureData, stamps: ValueMap) => void;
  readonly onChainStart: Hook;
  readonly onChainEnd: (chain: SignatureData, stamps: ValueMap) => void;
  readonly onChordHeaderStart: Hook;
  readonly onChordHeaderEnd: (chord: SignatureData, stamps: ValueMap) => void;
  readonly onChordBody: Hook;
  readonly onCallback: Hook;
  readonly onErrback: Hook;
}

interface Stamping {
  readonly visitor: DataVisitor | undefined;
  /** A name that is there already keeps its values, the new ones in front; otherwise it is replaced. */
  readonly append: boolean;
}

/** A workflow with stamps on each call in it, and on its links. Without a visitor the body of a chord gets none, as in Celery. */
export function stamped(signature: SignatureData, stamps: ValueMap, how: Stamping): SignatureData {
  switch (signature.subtask_type) {
    case 'chain':
      return stampedChain(signature, stamps, how);
    case 'group':
      return stampedGroup(signature, stamps, how);
    case 'chord':
      return stampedChord(signature, stamps, how);
    default: {
      const linked = withStampedLinks(signature, stamps, how);
      return { ...linked, options: { ...linked.options, ...collected(stamps, how.visitor?.onSignature(signature, stamps), how, signature.options) } };
    }
  }
}

function stampedChain(chain: SignatureData, stamps: ValueMap, how: Stamping): SignatureData {
  const { visitor } = how;
  const all = collected(stamps, visitor?.onChainStart(chain, stamps), how, chain.options);
  const tasks = stepsOf(chain.kwargs['tasks']).map((step) => stamped(step, all, how));
  const made = withKwargs(withStampedLinks(chain, all, { ...how, append: false }), { tasks });
  visitor?.onChainEnd(made, all);
  return made;
}

function stampedGroup(group: SignatureData, stamps: ValueMap, how: Stamping): SignatureData {
  const { visitor } = how;
  const all = collected(stamps, visitor?.onGroupStart(group, stamps), how, group.options);
  const tasks = stepsOf(group.kwargs['tasks']).map((member) => stamped(member, all, how));
  const made = withKwargs(withStampedLinks(group, all, how), { tasks });
  visitor?.onGroupEnd(made, all);
  return made;
}

function stampedChord(chord: SignatureData, stamps: ValueMap, how: Stamping): SignatureData {
  const { visitor } = how;
  const all = collected(stamps, visitor?.onChordHeaderStart(chord, stamps), how, chord.options);
  const made = withHeader(withStampedLinks(chord, all, how), (part) => stamped(part, all, how));
  const body = bodyOf(chord);
  if (visitor === undefined || body === undefined) return made;
  visitor.onChordHeaderEnd(made, all);
  return withKwargs(made, { body: stamped(body, collected(all, visitor.onChordBody(made, all), how, chord.options), how) });
}

/** What a visitor says of one link holds for the links after it too, as in Celery. */
function withStampedLinks(signature: SignatureData, stamps: ValueMap, how: Stamping): SignatureData {
  const { visitor } = how;
  const { link, link_error } = signature.options;
  const each = (links: Value | undefined, hook: Hook | undefined): readonly SignatureData[] => {
    let all = stamps;
    return stepsOf(links).map((one) => {
      all = collected(all, hook?.(one, all), how);
      return stamped(one, all, how);
    });
  };
  const made = {
    ...(isNone(link) ? null : { link: each(link, visitor?.onCallback) }),
    ...(isNone(link_error) ? null : { link_error: each(link_error, visitor?.onErrback) }),
  };
  return { ...signature, options: { ...signature.options, ...made } };
}

/** Stamps from above, those of a visitor, and those that are there already: the first to name a value wins, unless values are gathered. */
function collected(stamps: ValueMap, visited: Stamps | undefined, { visitor, append }: Stamping, own?: ValueMap): ValueMap {
  let all = named(stamps);
  if (visitor !== undefined) all = merged(all, named((visited ?? {}) as ValueMap), append);
  if (own === undefined) return all;
  const names = namesOf(all, own);
  return merged({ ...all, stamped_headers: names }, Object.fromEntries(Object.entries(own).filter(([name]) => names.includes(name))), append);
}

const namesOf = (...maps: readonly ValueMap[]): readonly string[] => [...new Set(maps.flatMap((map) => (map['stamped_headers'] ?? []) as readonly string[]))];

const named = (stamps: ValueMap): ValueMap => (stamps['stamped_headers'] === undefined ? { ...stamps, stamped_headers: Object.keys(stamps) } : stamps);

function merged(first: ValueMap, second: ValueMap, append: boolean): ValueMap {
  const all: Record<string, Value | undefined> = { ...second };
  for (const [name, value] of Object.entries(first)) {
    const other = second[name];
    all[name] = name === 'stamped_headers' ? namesOf(first, second) : other === undefined ? value : together(value!, other, append);
  }
  return all;
}

function together(first: Value, second: Value, append: boolean): Value {
  if (isMap(first) && isMap(second)) return merged(first, second, append);
  if (Array.isArray(first) && Array.isArray(second)) return [...first, ...second];
  if (!append) return first;
  const several = first === null ? [] : Array.isArray(first) ? (first as readonly Value[]) : [first];
  return Array.isArray(second) && !Array.isArray(first) ? [...several, ...(second as readonly Value[])] : [...several, second];
}
