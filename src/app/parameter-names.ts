// Reads a function's parameter names from its own source, to bind keyword arguments sent by Python.
// It scans text and never runs it. When in doubt it returns undefined, and the caller asks for `params`.

/** One parameter. `name` is undefined for a pattern (`{ a, b }` or `[a, b]`). */
export interface Parameter {
  readonly name: string | undefined;
  /** It has a default value, so it may be left out. `y?: number` leaves no trace in JavaScript: false does not mean required. */
  readonly hasDefault: boolean;
  readonly isRest: boolean;
}

/** The parameters of `fn` in order; undefined when its source is not there (bound, native, compiled to bytecode) or not understood. */
export function parametersOf(fn: (...args: never[]) => unknown): readonly Parameter[] | undefined {
  const source = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return undefined;
  const list = parameterList(source);
  if (list === undefined) return undefined;
  const parameters: Parameter[] = [];
  for (const text of splitAtCommas(list)) {
    const parameter = readParameter(text);
    if (parameter === undefined) return undefined;
    parameters.push(parameter);
  }
  return parameters.length < fn.length ? undefined : parameters;
}

/** The names alone, written as the `params` option takes them: `['x', 'y?', '...rest']`. Undefined if one has no name. */
export function parameterNames(fn: (...args: never[]) => unknown): readonly string[] | undefined {
  const names = parametersOf(fn)?.map(({ name, hasDefault, isRest }) =>
    name === undefined ? undefined : isRest ? `...${name}` : hasDefault ? `${name}?` : name,
  );
  return names?.every((name) => name !== undefined) ? names : undefined;
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** What stands between the parentheses of the head; for `x => …` the one name. Comments are gone. */
function parameterList(source: string): string | undefined {
  const single = /^\s*(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)\s*=>/u.exec(stripLeadingComments(source));
  if (single !== null) return single[1];
  const open = headOpening(source);
  if (open === undefined) return undefined;
  const end = skip(source, open);
  return end === undefined ? undefined : withoutComments(source.slice(open + 1, end - 1));
}

/** Index of the parenthesis that opens the parameters; steps over a computed method name, `['a(b']() {}`. */
function headOpening(source: string): number | undefined {
  for (let i = 0; i < source.length;) {
    if (source[i] === '(') return i;
    const next = step(source, i);
    if (next === undefined) return undefined;
    i = next;
  }
  return undefined;
}

function stripLeadingComments(source: string): string {
  return source.replace(/^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)+/, '').replace(/^async(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)+/, 'async ');
}

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The index after the bracket group that opens at `open`. */
function skip(source: string, open: number): number | undefined {
  const close = CLOSER[source[open]!]!;
  for (let i = open + 1; i < source.length;) {
    if (source[i] === close) return i + 1;
    if (source[i] === ')' || source[i] === ']' || source[i] === '}') return undefined;
    const next = step(source, i, open);
    if (next === undefined) return undefined;
    i = next;
  }
  return undefined;
}

/** The index after one thing: a comment, a string, a template, a regular expression, a bracket group, or a character. */
function step(source: string, i: number, from = 0): number | undefined {
  const c = source[i]!;
  if (c === '/' && source[i + 1] === '/') {
    const end = source.indexOf('\n', i);
    return end < 0 ? undefined : end + 1;
  }
  if (c === '/' && source[i + 1] === '*') {
    const end = source.indexOf('*/', i + 2);
    return end < 0 ? undefined : end + 2;
  }
  if (c === '"' || c === "'") return skipString(source, i);
  if (c === '`') return skipTemplate(source, i);
  if (c === '/' && isRegexPosition(source, i, from)) return skipRegex(source, i);
  if (c in CLOSER) return skip(source, i);
  return i + 1;
}

function skipString(source: string, open: number): number | undefined {
  for (let i = open + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === source[open]) return i + 1;
  }
  return undefined;
}

function skipTemplate(source: string, open: number): number | undefined {
  for (let i = open + 1; i < source.length;) {
    if (source[i] === '\\') i += 2;
    else if (source[i] === '`') return i + 1;
    else if (source[i] === '$' && source[i + 1] === '{') {
      const end = skip(source, i + 1);
      if (end === undefined) return undefined;
      i = end;
    } else i++;
  }
  return undefined;
}

function skipRegex(source: string, open: number): number | undefined {
  for (let i = open + 1, inClass = false; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '\n') return undefined;
    else if (source[i] === '[') inClass = true;
    else if (source[i] === ']') inClass = false;
    else if (source[i] === '/' && !inClass) return i + 1;
  }
  return undefined;
}

/** A slash begins a regular expression where a value may begin: after an operator, an opening bracket, a comma, an arrow, `return`. */
function isRegexPosition(source: string, i: number, from: number): boolean {
  const before = withoutComments(source.slice(from, i)).trimEnd();
  return before === '' || /[=(,[{:?!&|+\-*%~^<>;]$/.test(before) || /\b(?:return|typeof|void|in|of|new|delete|await|yield|case)$/.test(before);
}

/** The text with comments replaced by a space; strings and templates are left alone. */
function withoutComments(text: string): string {
  let out = '';
  for (let i = 0; i < text.length;) {
    const isComment = text[i] === '/' && (text[i + 1] === '/' || text[i + 1] === '*');
    const next = isComment
      ? (step(text, i) ?? text.length)
      : text[i] === '"' || text[i] === "'"
        ? (skipString(text, i) ?? text.length)
        : text[i] === '`'
          ? (skipTemplate(text, i) ?? text.length)
          : i + 1;
    out += isComment ? ' ' : text.slice(i, next);
    i = next;
  }
  return out;
}

function splitAtCommas(list: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < list.length;) {
    if (list[i] === ',') {
      parts.push(list.slice(start, i));
      start = i += 1;
    } else i = step(list, i) ?? list.length;
  }
  parts.push(list.slice(start));
  return parts.map((part) => part.trim()).filter((part, index) => part !== '' || index < parts.length - 1); // a trailing comma ends the list
}

function readParameter(text: string): Parameter | undefined {
  const isRest = text.startsWith('...');
  const body = isRest ? text.slice(3).trim() : text;
  const end = body.startsWith('{') || body.startsWith('[') ? skip(body, 0) : body.search(/[=\s]|$/);
  if (end === undefined) return undefined;
  const target = body.slice(0, end);
  const rest = body.slice(end).trim();
  if (rest !== '' && !/^=(?![=>])/.test(rest)) return undefined;
  const isPattern = target.startsWith('{') || target.startsWith('[');
  if (!isPattern && !IDENTIFIER.test(target)) return undefined;
  return { name: isPattern ? undefined : target, hasDefault: rest !== '', isRest };
}
