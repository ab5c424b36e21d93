import { ImproperlyConfigured } from '../errors.ts';
import { newId } from '../kernel/ids.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { EagerHandle } from '../results/eager-result.ts';
import { GroupHandle } from '../results/group-result.ts';
import type { AsyncResult } from '../results/result.ts';
import type { ResultSource } from '../results/source.ts';
import { isEmptyGroup } from './signature-data.ts';
import { flatSteps } from './steps.ts';

/**
 * What a chain without steps, or a group without members, gives when it is sent: nothing leaves, and its result, null or no results at all, is
 * there. Undefined where there is something to send.
 */
export function nothingToSend(signature: SignatureData): AsyncResult<unknown> | undefined {
  const id = signature.options['task_id'] as string | undefined;
  if (isEmptyGroup(signature)) return new GroupHandle<readonly unknown[]>(id ?? newId(), [], NOWHERE);
  if (signature.subtask_type !== 'chain' || flatSteps(signature).length > 0) return undefined;
  return new EagerHandle<unknown>(id ?? newId(), { state: 'SUCCESS', value: null });
}

/** Results that nobody has to be asked for. */
const NOWHERE: ResultSource = {
  get clock(): never {
    throw nowhere();
  },
  backend: () => Promise.reject(nowhere()),
  errorOf: () => nowhere(),
  joinBlocks: false,
  unpack: (value) => value,
  revoke: () => Promise.resolve(),
  revokeByStamps: () => Promise.resolve(),
  describe: () => 'nowhere',
  hold: () => ({ [Symbol.dispose]: () => undefined }),
};

const nowhere = (): ImproperlyConfigured => new ImproperlyConfigured('a group without members belongs to no app: nothing of it is stored');
