import { isNone } from '../canvas/signature-data.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import { KeptSteps } from '../protocol/kept-steps.ts';
import { readSignature, type SignatureData } from '../protocol/signature.ts';
import type { ExecutionEnv } from './env.ts';

type Env = Pick<ExecutionEnv, 'log'>;

/** The signatures in an option that can be read, the others logged: one malformed must not keep the rest, and who waits for it, from hearing of a failure. */
export function readableIn(option: Value | undefined, env: Env): readonly SignatureData[] {
  return orNone(() => itemsIn(option), env).flatMap((item) => orNone(() => [readableParts(readSignature(item), env)], env));
}

function orNone<T>(read: () => readonly T[], { log }: Env): readonly T[] {
  try {
    return read();
  } catch (error) {
    log.error('What was to follow a failed task cannot be read and is left out', { error });
    return [];
  }
}

/** A signature without those in it that cannot be read, each logged. */
export function readableParts(signature: SignatureData, env: Env): SignatureData {
  const { subtask_type, kwargs, options } = signature;
  return { ...signature, kwargs: subtask_type === null ? kwargs : readableAt(MEMBERS, kwargs, env), options: readableAt(LINKS, options, env) };
}

const MEMBERS = ['tasks', 'header', 'body'];
const LINKS = ['link_error', 'chain', 'chord'];

function readableAt(names: readonly string[], map: ValueMap, env: Env): ValueMap {
  const changed = names.filter((name) => !isNone(map[name])).map((name) => [name, readable(map[name]!, env)] as const);
  return changed.length === 0 ? map : { ...map, ...Object.fromEntries(changed) };
}

/** A list stays a list, one signature alone stays alone. */
function readable(option: Value, env: Env): Value {
  const all = readableIn(option, env);
  return Array.isArray(option) ? all : (all[0] ?? null);
}

function itemsIn(option: Value | undefined): readonly Value[] {
  if (isNone(option)) return [];
  if (option instanceof KeptSteps) return option.list;
  return Array.isArray(option) ? (option as readonly Value[]) : [option];
}
