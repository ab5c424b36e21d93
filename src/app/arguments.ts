/** A task's parameters: the `params` option, or what its source tells (`parameterNames`). */
export interface Parameters {
  readonly task: string;
  /** `['x', 'y?', '...rest', '**']`: `?` marks an optional one, `...` the rest, `**` that further keywords are welcome. */
  readonly names: readonly string[];
  /** They were given, not read from the source: in a function's source `y?: number` looks like `y`, so only then a missing argument is an error. */
  readonly isDeclared: boolean;
}

/** Puts positional and keyword arguments in order, as Python does. Throws TypeError in Python's words. */
export function bindArguments(parameters: Parameters, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): unknown[] {
  return bind(parameters, args, kwargs).bound;
}

/** The same where the last parameter is an object of keywords: it receives those that no other parameter took. */
export function bindWithKeywords(
  parameters: Parameters | undefined,
  arity: number,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  if (parameters === undefined) {
    // Without names nothing is known but how many parameters there are: the last of them takes the keywords.
    const bound = [...args];
    bound[Math.max(args.length, arity - 1)] = kwargs;
    return Array.from(bound);
  }
  const names = parameters.names.filter((name) => name !== '**');
  const before = { ...parameters, names: [...names.slice(0, -1), '**'] };
  const { bound, unbound } = bind(before, args, kwargs);
  bound[names.length - 1] = unbound;
  return Array.from(bound);
}

function bind(
  { task, names, isDeclared }: Parameters,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): { readonly bound: unknown[]; readonly unbound: Record<string, unknown> } {
  const takesMore = names.includes('**');
  const rest = names.find((name) => name.startsWith('...'));
  const fixed = names.filter((name) => name !== rest && name !== '**').map((name) => ({ name: name.replace(/\?$/, ''), isOptional: name.endsWith('?') }));
  if (args.length > fixed.length && rest === undefined) {
    throw new TypeError(`${task}() takes ${fixed.length} arguments (${names.join(', ')}) but ${args.length} were given`);
  }
  const bound: unknown[] = [...args];
  const unbound: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(kwargs)) {
    let index = fixed.findIndex(({ name }) => name === key);
    if (index < 0 && !isDeclared) {
      index = renamed(
        fixed.map(({ name }) => name),
        key,
        args.length,
      );
    }
    if (index < 0) {
      if (!takesMore) throw unexpected(task, key, names, isDeclared);
      unbound[key] = value;
    } else {
      if (index < args.length) throw new TypeError(`${task}() got multiple values for argument '${key}'`);
      bound[index] = value;
    }
  }
  if (isDeclared) {
    const missing = fixed.filter(({ isOptional }, index) => !isOptional && !(index in bound)).map(({ name }) => `'${name}'`);
    if (missing.length > 0) throw new TypeError(`${task}() is missing ${missing.length === 1 ? 'argument' : 'arguments'} ${missing.join(', ')}`);
  }
  return { bound: Array.from(bound), unbound };
}

function unexpected(task: string, key: string, names: readonly string[], isDeclared: boolean): TypeError {
  const hint = isDeclared ? '' : ', read from its source: give `params` if the code is compiled or bundled';
  return new TypeError(`${task}() got an unexpected keyword argument '${key}'; its parameters are (${names.join(', ')})${hint}`);
}

/** esbuild, and so tsx, renames a parameter that shadows a name of the module: `n` becomes `n2`. Taken only if nothing else fits. */
function renamed(names: readonly string[], key: string, from: number): number {
  const fits = names.flatMap((name, index) => (index >= from && name.startsWith(key) && /^[2-9]\d*$/.test(name.slice(key.length)) ? [index] : []));
  return fits.length === 1 ? fits[0]! : -1;
}
