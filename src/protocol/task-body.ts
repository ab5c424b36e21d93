import { InvalidTaskError } from '../errors.ts';
import { encodeJson } from './json-text.ts';
import type { Value, ValueMap } from './json.ts';
import type { KeptSteps } from './kept-steps.ts';
import { isMap, listOf, mapOf, readSignature, shown, type SignatureData } from './signature.ts';

export interface TaskBody {
  readonly args: readonly Value[];
  readonly kwargs: ValueMap;
  readonly embed: Embed;
}
/** What follows the call. */
export interface Embed {
  readonly callbacks: readonly SignatureData[] | null;
  readonly errbacks: readonly SignatureData[] | null;
  /** Reversed: the last one runs next. */
  readonly chain: readonly SignatureData[] | null;
  readonly chord: SignatureData | null;
  /** Of a body that came as text (body-text.ts): which of the two follows. Reading `chain` or `chord` itself decodes it. */
  readonly follows?: 'chain' | 'chord';
  /** The chain in two pieces, where it came as text: what runs next, and what is only passed on. */
  readonly next?: { readonly step: SignatureData; readonly rest: KeptSteps | null };
  /** The text of `chain`, where it came as text or goes on as it came. */
  readonly kept?: KeptSteps;
}

/** The embed of a call that nothing follows. */
export const NO_EMBED: Embed = Object.freeze({ callbacks: null, errbacks: null, chain: null, chord: null });
const NO_EMBED_JSON = JSON.stringify(NO_EMBED);

/** The embed of a call whose chain goes on as it came; nobody reads that before he asks for it. */
export const keptEmbed = (others: Pick<Embed, 'callbacks' | 'errbacks' | 'chord'>, kept: KeptSteps): Embed => ({
  ...others,
  get chain() {
    return kept.steps;
  },
  kept,
});

/** The list of three that is the body of a task message. */
export const taskBodyValue = ({ args, kwargs, embed }: TaskBody): Value => [args, kwargs, embedValue(embed)];
const embedValue = ({ callbacks, errbacks, chain, chord }: Embed): ValueMap => ({ callbacks, errbacks, chain, chord });

/** The same as JSON text. Throws EncodeError. */
export function encodeTaskBody({ args, kwargs, embed }: TaskBody): string {
  return `[${texts.get(args) ?? encodeJson(args)},${texts.get(kwargs) ?? (isEmptyMap(kwargs) ? '{}' : encodeJson(kwargs))},${embedText(embed)}]`;
}

function embedText(embed: Embed): string {
  const { callbacks, errbacks, kept, chord } = embed;
  if (kept === undefined && chord === null) return isBare(embed) ? NO_EMBED_JSON : encodeJson(embedValue(embed));
  const chain = kept?.json ?? encodeJson(embed.chain);
  return `{"callbacks":${encodeJson(callbacks)},"errbacks":${encodeJson(errbacks)},"chain":${chain},"chord":${chord === null ? 'null' : chordText(chord)}}`;
}

/** All parts of a chord carry the same body: it is written once. Signatures never change. */
function chordText(chord: SignatureData): string {
  let json = texts.get(chord);
  if (json === undefined) texts.set(chord, (json = encodeJson(chord)));
  return json;
}

/** Most calls have no keywords. */
function isEmptyMap(map: ValueMap): boolean {
  for (const _ in map) return false;
  return Object.getPrototypeOf(map) === Object.prototype;
}

/** Texts of arguments that are to be sent on as they came. */
const texts = new WeakMap<object, string>();

/** These arguments, which nobody changes any more, are written as `json` from now on. */
export function keepText(args: TaskBody['args'] | TaskBody['kwargs'], json: string): void {
  texts.set(args, json);
}

/** The chain's next step, and those after it as an option of that step; null where it is the last. */
export function nextStep(embed: Embed): { readonly step: SignatureData; readonly rest: Value } | undefined {
  if (embed.next !== undefined) {
    const { step, rest } = embed.next;
    // A workflow has to look at what follows it; a call only takes it along.
    return { step, rest: rest === null ? null : step.subtask_type === null ? rest.value : rest.steps };
  }
  const step = embed.chain?.at(-1);
  if (step === undefined) return undefined;
  return { step, rest: embed.chain!.length === 1 ? null : embed.chain!.slice(0, -1) };
}

/** Whether the call is a part of a chord; reads nothing. */
export const hasChord = (embed: Embed): boolean => embed.follows === 'chord' || (embed.follows === undefined && embed.chord !== null);

const isBare = ({ callbacks, errbacks, chain, chord }: Embed): boolean => callbacks === null && errbacks === null && chain === null && chord === null;

/** Whether nothing follows the call. */
export const endsHere = (embed: Embed): boolean =>
  embed.follows === undefined && embed.chord === null && isEmpty(embed.callbacks) && isEmpty(embed.errbacks) && isEmpty(embed.chain);
const isEmpty = (list: readonly SignatureData[] | null): boolean => list === null || list.length === 0;

/**
 * The body of a task message. Python's own readers fall over a short list, a missing embed or null kwargs; here these are read as empty,
 * as is a protocol 1 map beneath protocol 2 headers. Throws InvalidTaskError for all else.
 */
export function readTaskBody(value: Value): TaskBody {
  if (Array.isArray(value)) {
    const [args, kwargs, embed] = value as readonly (Value | undefined)[];
    return {
      args: listOf(args, 'the args of a task'),
      kwargs: mapOf(kwargs, 'the kwargs of a task'),
      embed: readEmbed(mapOf(embed, 'the third part of a task body')),
    };
  }
  if (isMap(value) && 'args' in value) {
    return { args: listOf(value['args'], 'the args of a task'), kwargs: mapOf(value['kwargs'], 'the kwargs of a task'), embed: readEmbed(value) };
  }
  throw new InvalidTaskError(`the body of a task must be a list of args, kwargs and what follows, not ${shown(value)}`);
}

function readEmbed(embed: ValueMap): Embed {
  const { callbacks, errbacks, chain, chord } = embed;
  if (!callbacks && !errbacks && !chain && !chord) return NO_EMBED;
  return {
    callbacks: readSignatures(callbacks, 'callbacks'),
    errbacks: readSignatures(errbacks, 'errbacks'),
    chain: readSignatures(chain, 'chain'),
    chord: chord === undefined || chord === null ? null : readSignature(chord),
  };
}

function readSignatures(value: Value | undefined, name: string): readonly SignatureData[] | null {
  if (value === undefined || value === null) return null;
  // Celery takes a single signature for a list of one.
  if (isMap(value)) return [readSignature(value)];
  return listOf(value, `the ${name} of a task`).map(readSignature);
}
