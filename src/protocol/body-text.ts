import { valueEnd } from './json-slice.ts';
import { decodeJson } from './json-text.ts';
import { KeptSteps } from './kept-steps.ts';
import { listOf, mapOf, readSignature, type SignatureData } from './signature.ts';
import { readTaskBody, type Embed, type TaskBody } from './task-body.ts';

/**
 * A task body from its JSON text. Each message of a chain carries all steps to come, and each part of a chord its body with all that follows: reading
 * and writing those was most of what a step cost. So where nothing unusual is said they stay text. Usual is what Celery and we write,
 * `[args, kwargs, {"callbacks": null, "errbacks": …, "chain": …, "chord": …}]` in this order, with the separators of Python or of JSON.stringify,
 * and with either a chain or a chord. All else is read whole, and what is wrong with a text is said there.
 */
export function readBodyText(text: string): TaskBody {
  try {
    const body = chainBody(text) ?? chordBody(text);
    if (body !== undefined) return body;
  } catch {
    // Not what it looked like: numbers that only Python reads, or a text that is no JSON.
  }
  return readTaskBody(decodeJson(text));
}

/** A chain of which only the next step was read. */
class ChainEmbed implements Embed {
  readonly callbacks = null;
  readonly errbacks: readonly SignatureData[] | null;
  readonly chord = null;
  readonly follows = 'chain';
  readonly next: NonNullable<Embed['next']>;
  readonly kept: KeptSteps;

  constructor(errbacks: readonly SignatureData[] | null, next: NonNullable<Embed['next']>, kept: KeptSteps) {
    this.errbacks = errbacks;
    this.next = next;
    this.kept = kept;
  }

  get chain(): readonly SignatureData[] {
    return this.kept.steps;
  }
}

/** A chord's body that only the last part needs. */
class ChordEmbed implements Embed {
  readonly callbacks = null;
  readonly errbacks: readonly SignatureData[] | null;
  readonly chain = null;
  readonly follows = 'chord';
  readonly #json: string;
  #chord: SignatureData | undefined;

  constructor(errbacks: readonly SignatureData[] | null, json: string) {
    this.errbacks = errbacks;
    this.#json = json;
  }

  get chord(): SignatureData {
    return (this.#chord ??= readSignature(decodeJson(this.#json)));
  }
}

const CHAIN = /, ?"chain": ?(?=\[)/y;
const CHAIN_END = /^\], ?"chord": ?null\}\]$/;
const CHORD = /, ?"chain": ?null, ?"chord": ?(?=\{)/y;

function chainBody(text: string): TaskBody | undefined {
  const end = text.lastIndexOf(']', text.length - 2);
  if (end < 0 || !CHAIN_END.test(text.slice(end, end + 20))) return undefined;
  const head = readHead(text, CHAIN);
  if (head === undefined) return undefined;
  const json = text.slice(head.end, end + 1);
  // Only of valid JSON it is certain that this is the whole list, and where its last element begins. The bare parser costs a fifth of what reading does.
  if (!readable.includes(json)) JSON.parse(json);
  const start = startOfLast(json);
  const step = readSignature(decodeJson(json.slice(start, -1)));
  const before = json.slice(0, start).trimEnd();
  const rest = before === '[' ? null : new KeptSteps(`${before.slice(0, -1)}]`);
  // Valid without its last element, too: often the next step comes to this worker again.
  if (rest !== null) noteReadable(rest.json, text);
  return { ...head.call, embed: new ChainEmbed(head.errbacks, { step, rest }, new KeptSteps(json)) };
}

function chordBody(text: string): TaskBody | undefined {
  if (!text.endsWith('}}]')) return undefined;
  const head = readHead(text, CHORD);
  if (head === undefined) return undefined;
  const json = text.slice(head.end, -2);
  const embed = new ChordEmbed(head.errbacks, json);
  if (!readable.includes(json)) {
    void embed.chord;
    noteReadable(json, text);
  }
  return { ...head.call, embed };
}

/**
 * Texts that need not be looked at again: bodies of chords that could be read, which all parts say alike, and lists of steps that are valid JSON.
 * A list: texts of other lengths are told apart at once, where a set would go through all of each to find its place.
 */
const readable: string[] = [];
const MAX_READABLE = 16;
const MAX_READABLE_CHARS = 200_000;

/** `within`: the text that it was cut from, all of which it keeps alive. */
function noteReadable(json: string, within: string): void {
  if (within.length > MAX_READABLE_CHARS) return;
  if (readable.length >= MAX_READABLE) readable.shift();
  readable.push(json);
}

const EMBED = '{"callbacks":';
const ERRBACKS = /\{"callbacks": ?null, ?"errbacks": ?/y;

interface Head {
  readonly call: Pick<TaskBody, 'args' | 'kwargs'>;
  readonly errbacks: readonly SignatureData[] | null;
  readonly end: number;
}

/** All up to what follows `then`. Undefined where the text is another. */
function readHead(text: string, then: RegExp): Head | undefined {
  const at = text.indexOf(EMBED);
  // Within a string the quotes would be escaped; inside the arguments, what stands before it is no list.
  const errbacksAt = endOf(ERRBACKS, text, at);
  if (errbacksAt === undefined) return undefined;
  const errbacksEnd = text.startsWith('null', errbacksAt) ? errbacksAt + 4 : valueEnd(text, errbacksAt);
  const end = endOf(then, text, errbacksEnd);
  if (end === undefined) return undefined;
  const before = text.slice(0, at).trimEnd();
  if (!before.endsWith(',')) return undefined;
  const call = decodeJson(`${before.slice(0, -1)}]`);
  if (!Array.isArray(call) || call.length !== 2) return undefined;
  const [args, kwargs] = call;
  const errbacks = decodeJson(text.slice(errbacksAt, errbacksEnd));
  return {
    call: { args: listOf(args, 'the args of a task'), kwargs: mapOf(kwargs, 'the kwargs of a task') },
    errbacks: errbacks === null ? null : listOf(errbacks, 'the errbacks of a task').map(readSignature),
    end,
  };
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return at >= 0 && pattern.test(text) ? pattern.lastIndex : undefined;
}

/** Where the last element, a map, of a valid JSON list begins: read from the end, since all that stands before it is of no interest. */
function startOfLast(json: string): number {
  let depth = 0;
  for (let at = json.length - 2; at > 0; at -= 1) {
    switch (json.charCodeAt(at)) {
      case QUOTE:
        at = openingQuote(json, at);
        break;
      case CLOSE_MAP:
      case CLOSE_LIST:
        depth += 1;
        break;
      case OPEN_MAP:
      case OPEN_LIST:
        depth -= 1;
        if (depth === 0) return at;
        break;
    }
  }
  throw new SyntaxError('no element');
}

const QUOTE = 0x22;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;

/** The quote that opens the string which ends at `closing`: the first before it that is not escaped. */
function openingQuote(json: string, closing: number): number {
  for (let at = closing - 1; ; at -= 1) {
    at = json.lastIndexOf('"', at);
    let before = at - 1;
    while (json.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
}
