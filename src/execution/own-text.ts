import { arraySlices } from '../protocol/json-slice.ts';
import { decodeJson, encodeJson } from '../protocol/json-text.ts';
import type { SignatureData } from '../protocol/signature.ts';
import { keepText, type ReceivedTask } from '../protocol/task-message.ts';
import { textOf } from '../serialization/body.ts';

/**
 * The next attempt of a task, whose arguments keep the text in which they came wherever nobody has changed them (decisions.md 41):
 * 1.0 from Python is 1 for us, but a float again for whoever gets it next.
 */
export function withOwnText(signature: SignatureData, { headers, wire }: ReceivedTask): SignatureData {
  if (wire.contentType !== 'application/json' || typeof headers['compression'] === 'string') return signature;
  try {
    const text = textOf(wire.body, wire.contentEncoding);
    const [args, kwargs] = arraySlices(text).map(({ start, end }) => text.slice(start, end));
    if (args !== undefined && isSame(signature.args, args)) keepText(signature.args, args);
    if (kwargs !== undefined && isSame(signature.kwargs, kwargs)) keepText(signature.kwargs, kwargs);
  } catch {
    // Another form of body, such as protocol 1's: then the arguments are written anew.
  }
  return signature;
}

const isSame = (now: SignatureData['args'] | SignatureData['kwargs'], before: string): boolean => encodeJson(now) === encodeJson(decodeJson(before));
