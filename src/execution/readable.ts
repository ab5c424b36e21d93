import { isNone } from '../canvas/signature-data.ts';
import type { Value, ValueMap } from '../protocol/json.ts';
import { readSignature, type SignatureData } from '../protocol/signature.ts';
import type { ExecutionEnv } from './env.ts';

type Env = Pick<ExecutionEnv, 'log'>;

/** The signatures in an option that can be read, the others logged: one that is malformed must not keep what fails with it, and who waits for that, from hearing of it. */
export function readableIn(option: Value | undefined, env: Env): readonly SignatureData[] {
  return itemsIn(option).flatMap((item) => {
    try {
      return [readableParts(readSignature(item), env)];
    } catch (error) {
      env.log.error('A signature that was to follow a failed task cannot be read and is left out', { error });
      return [];
    }
  });
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

const itemsIn = (option: Value | undefined): readonly Value[] => (isNone(option) ? [] : Array.isArray(option) ? (option as readonly Value[]) : [option]);
