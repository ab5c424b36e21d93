import type { Json, Value, ValueMap } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';
import { isNone } from './signature-data.ts';

/** Celery's task that ends chords where the result store cannot count parts. */
export const CHORD_UNLOCK = 'celery.chord_unlock';

/**
 * The call that looks at the results of a header, again and again until all have ended, and then starts the body (wire.md 4.4.3). It goes where the
 * body goes, so that whoever runs it can run the body too. `members`: the result tuples of the header.
 */
export function unlockCall(
  chord: { readonly groupId: string; readonly body: SignatureData; readonly members: readonly Json[] },
  own: ValueMap = {},
): SignatureData {
  const { groupId, body, members } = chord;
  const { queue, priority, exchange, exchange_type, routing_key, headers } = { ...own, ...said(body.options) };
  const kwargs = { interval: null, max_retries: null, result: members, ...said({ _chord_unlock_exchange_type: exchange_type }) };
  const options = said({ countdown: 1, ignore_result: true, queue, priority, exchange, exchange_type, routing_key, headers });
  return signatureData({ task: CHORD_UNLOCK, args: [groupId, body], kwargs, options });
}

const said = (options: Readonly<Record<string, Value | undefined>>): ValueMap =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => !isNone(value))) as ValueMap;
