import type { TaskHeaders } from '../protocol/task-message.ts';

/** What becomes of a message that names a task: decided once when it comes, and again before it starts. */
export type Admission =
  /** No task of that name here. */
  | { readonly kind: 'unknown' }
  /** Its `eta` or `expires` cannot be read. */
  | { readonly kind: 'invalid'; readonly reason: string }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'expired' }
  /** Not before then (milliseconds since the epoch). */
  | { readonly kind: 'wait-until'; readonly atMs: number }
  /** Its task type has a rate limit. */
  | { readonly kind: 'wait-for-token' }
  | { readonly kind: 'run' };

/** What the worker knows that the message does not. */
export interface AdmissionFacts {
  readonly isKnown: boolean;
  readonly isRevoked: boolean;
  readonly isRateLimited: boolean;
  /** Asked only where the message has an eta or expires. */
  now(): number;
}

/** Decides; the caller obeys. Pure, but for asking the time. A rate limit comes after the eta, as in Celery. */
export function admit(headers: Pick<TaskHeaders, 'eta' | 'expires'>, facts: AdmissionFacts): Admission {
  if (!facts.isKnown) return UNKNOWN;
  const eta = headers.eta === null ? undefined : momentMs(headers.eta);
  const expires = headers.expires === null ? undefined : momentMs(headers.expires);
  if (eta !== undefined && Number.isNaN(eta)) return { kind: 'invalid', reason: `its eta is not a date: ${JSON.stringify(headers.eta)}` };
  if (expires !== undefined && Number.isNaN(expires)) return { kind: 'invalid', reason: `its expires is not a date: ${JSON.stringify(headers.expires)}` };
  if (facts.isRevoked) return REVOKED;
  if (expires !== undefined && expires <= facts.now()) return EXPIRED;
  if (eta !== undefined && eta > facts.now()) return { kind: 'wait-until', atMs: eta };
  return facts.isRateLimited ? WAIT_FOR_TOKEN : RUN;
}

/** The same question just before the start: what was let in may have been revoked or have expired meanwhile. */
export function admitToStart(headers: Pick<TaskHeaders, 'expires'>, facts: Pick<AdmissionFacts, 'isRevoked' | 'now'>): 'revoked' | 'expired' | 'run' {
  if (facts.isRevoked) return 'revoked';
  return headers.expires !== null && momentMs(headers.expires) <= facts.now() ? 'expired' : 'run';
}

/** Milliseconds since the epoch of a date as Celery writes it; one without an offset is UTC (wire.md 1.4). NaN when it is none. */
export function momentMs(text: string): number {
  const hasOffset = /(?:z|[+-]\d\d(?::?\d\d)?)$/i.test(text.slice(10));
  return Date.parse(
    hasOffset ? text.replace(/([+-]\d\d)(\d\d)?$/, (_, hours: string, minutes: string | undefined) => `${hours}:${minutes ?? '00'}`) : `${text}Z`,
  );
}

const UNKNOWN: Admission = { kind: 'unknown' };
const REVOKED: Admission = { kind: 'revoked' };
const EXPIRED: Admission = { kind: 'expired' };
const WAIT_FOR_TOKEN: Admission = { kind: 'wait-for-token' };
const RUN: Admission = { kind: 'run' };
