/* oxlint-disable typescript/no-explicit-any -- Arguments and results of any task at all: `unknown` would refuse them, since parameters go the other way. */
import type { Errback } from '../canvas/errback.ts';
import type { Value } from '../protocol/json.ts';
import { signatureData, type SignatureData } from '../protocol/signature.ts';

/** An errback as it stands in `linkError`: on the wire a signature like any other, known by its name where it runs. */
export function createErrback(name: string, stored: readonly unknown[] = []): Errback<any> & { toJSON(): SignatureData } {
  return {
    name,
    '~errback': true,
    s: (...more: readonly unknown[]) => createErrback(name, more),
    toJSON: () => signatureData({ task: name, args: stored as readonly Value[] }),
  };
}
