import { BackendGetMetaError, ChordError, InvalidTaskError } from '../errors.ts';
import { lookAtHeader, type Chord, type HeaderLook } from '../execution/chord-join.ts';
import { endChord, failChord } from '../execution/chord-part.ts';
import { currentRun } from '../execution/context.ts';
import type { ExecutionEnv } from '../execution/env.ts';
import { isUnreachable } from '../execution/save.ts';
import { durationMs } from '../kernel/duration.ts';
import type { Json } from '../protocol/json.ts';
import { readSignature } from '../protocol/signature.ts';
import type { ReceivedTask, TaskBody } from '../protocol/task-message.ts';
import type { Core } from './app-core.ts';
import type { AnyOptions } from './definition.ts';
import type { TaskContext } from './task-context.ts';

/** The chord that an unlock message speaks of, and how to wait for it. */
interface Unlock extends Chord {
  readonly members: readonly Json[];
  /** Seconds between two looks. */
  readonly interval: number;
  readonly maxRetries: number | null;
}

/**
 * `celery.chord_unlock`, for chords on stores that cannot count (wire.md 4.4.3): looks at the results of the header, comes again while some have not
 * ended, and starts the body, or fails it. Whatever ends this task otherwise fails the body too, since nobody else would end the chord.
 */
export function chordUnlock(core: Core): { readonly options: AnyOptions; readonly run: (self: TaskContext, ...args: never[]) => Promise<void> } {
  return {
    // Late acks: a worker that dies between two looks must not take the chord with it. A body that is sent twice has one id.
    options: {
      bind: true,
      params: ['...args', '**'],
      ignoreResult: true,
      acksLate: true,
      maxRetries: null,
      onFailure: async (error) => {
        const { received } = currentRun()!;
        await failChord(await unlockOf(received, core), `celery.chord_unlock could not go on: ${error.message}`, received, await envOf(core));
      },
    },
    run: async (self) => {
      const { received } = currentRun()!;
      const [unlock, env] = [await unlockOf(received, core), await envOf(core)];
      if (env.backend.capabilities.chords === 'none')
        throw new ChordError('the result backend of this worker cannot be read, so chords are not possible with it');
      const header = await look(unlock, env);
      if (header instanceof Error || header.kind === 'waiting') {
        const overdue = overdueText(unlock, self.request.retries, header, core);
        if (overdue !== undefined) return failChord(unlock, overdue, received, env);
        return self.retry({ countdown: unlock.interval, maxRetries: unlock.maxRetries, ...(header instanceof Error ? { exc: header } : {}) });
      }
      return endChord(unlock, header, received, env);
    },
  };
}

/** An error where the store is away: that is no reason to give up. */
async function look({ members }: Unlock, { backend }: ExecutionEnv): Promise<HeaderLook | Error> {
  try {
    return await lookAtHeader(members, backend);
  } catch (error) {
    if (isUnreachable(error) || error instanceof BackendGetMetaError) return error as Error;
    throw error;
  }
}

/** Celery looks for ever; here a chord has no longer than `resultChordExpires`, as on other stores. */
function overdueText({ interval }: Unlock, retries: number, header: Error | { readonly missing: readonly string[] }, { settings }: Core): string | undefined {
  const expiresMs = durationMs(settings.resultChordExpires ?? settings.resultExpires) ?? 0;
  if (expiresMs === 0 || retries * interval * 1000 < expiresMs) return undefined;
  const why = header instanceof Error ? `the results could not be read: ${header.message}` : header.missing.slice(0, MOST_NAMED).join(', ');
  return `parts of the header did not end in time (resultChordExpires): ${why}. They were purged, or lost with their worker`;
}
const MOST_NAMED = 20;

/** Arguments by place or by name, as Python takes them. */
async function unlockOf(received: ReceivedTask, core: Core): Promise<Unlock> {
  const { args, kwargs }: TaskBody = await received.body();
  const [groupId, body, interval, maxRetries, members] = ['group_id', 'callback', 'interval', 'max_retries', 'result'].map(
    (name, index) => args[index] ?? kwargs[name] ?? null,
  );
  if (typeof groupId !== 'string' || !Array.isArray(members)) {
    throw new InvalidTaskError('celery.chord_unlock must have the id of a group, a signature and the result tuples of the header');
  }
  return {
    groupId,
    body: readSignature(body ?? undefined),
    members: members as readonly Json[],
    interval: typeof interval === 'number' ? interval : (durationMs(core.settings.resultChordRetryInterval) ?? 1000) / 1000,
    maxRetries: typeof maxRetries === 'number' ? maxRetries : null,
  };
}

const envOf = async (core: Core): Promise<ExecutionEnv> => core.environment(await core.backend(), core.hostname ?? '');
