/** Where a value stands in a JSON text. */
export interface JsonSlice {
  readonly start: number;
  readonly end: number;
}

/**
 * The elements of the array that begins at `at`, as the pieces of text that they are: nothing is decoded, so no digit and no spelling is lost.
 * Knows just enough of JSON to find ends. Throws a SyntaxError when there is no array, or it does not end.
 */
export function arraySlices(text: string, at = 0): readonly JsonSlice[] {
  const slices: JsonSlice[] = [];
  walk(text, at, '[', (start, end) => slices.push({ start, end }));
  return slices;
}

/** The same for an object: where the value of each member stands. Of names that come twice the last counts, as everywhere. */
export function objectSlices(text: string, at = 0): ReadonlyMap<string, JsonSlice> {
  const slices = new Map<string, JsonSlice>();
  walk(text, at, '{', (start, end, name) => slices.set(name, { start, end }));
  return slices;
}

/** The text with member `name` of the object at `at` set to `value` (JSON); everything else stays as it is. */
export function withMember(text: string, at: number, name: string, value: string): string {
  const members = objectSlices(text, at);
  const old = members.get(name);
  if (old !== undefined) return text.slice(0, old.start) + value + text.slice(old.end);
  const open = text.indexOf('{', at) + 1;
  return `${text.slice(0, open)}${JSON.stringify(name)}:${value}${members.size === 0 ? '' : ','}${text.slice(open)}`;
}

function walk(text: string, from: number, bracket: '[' | '{', found: (start: number, end: number, name: string) => void): void {
  let at = space(text, from);
  if (text[at] !== bracket) throw new SyntaxError(`${bracket} was expected at ${at}`);
  at = space(text, at + 1);
  const close = bracket === '[' ? ']' : '}';
  while (text[at] !== close) {
    let name = '';
    if (bracket === '{') {
      const end = valueEnd(text, at);
      name = JSON.parse(text.slice(at, end)) as string;
      at = space(text, end);
      if (text[at] !== ':') throw new SyntaxError(`: was expected at ${at}`);
      at = space(text, at + 1);
    }
    const end = valueEnd(text, at);
    found(at, end, name);
    at = space(text, end);
    if (text[at] === ',') at = space(text, at + 1);
    else if (text[at] !== close) throw new SyntaxError(`, or ${close} was expected at ${at}`);
  }
}

const SPACE = /[ \t\n\r]*/y;
function space(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

const STRING = /"(?:[^"\\]|\\.)*"/sy;
const SCALAR = /[^,\]}\s]+/y;
const NEXT = /["[\]{}]/g;

/** Where the value that begins at `at` ends. Throws a SyntaxError when it does not. */
export function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return endBy(STRING, text, at);
  if (first !== '[' && first !== '{') return endBy(SCALAR, text, at);
  let depth = 0;
  for (let i = at; ;) {
    NEXT.lastIndex = i;
    const mark = NEXT.exec(text);
    if (mark === null) throw new SyntaxError(`${first} at ${at} does not end`);
    i = mark.index + 1;
    if (mark[0] === '"') i = endBy(STRING, text, mark.index);
    else if (mark[0] === '[' || mark[0] === '{') depth++;
    else if (--depth === 0) return i;
  }
}

function endBy(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  if (!pattern.test(text)) throw new SyntaxError(`a JSON value was expected at ${at}`);
  return pattern.lastIndex;
}
