import type { OverdueChord } from '../backends/backend.ts';
import { idsOf } from './chord-join.ts';
import { failChordBody, neverSent } from './chord-part.ts';
import type { ExecutionEnv } from './env.ts';
import { chordError } from './outcomes.ts';
import { patiently } from './save.ts';

/** Chords that one worker takes at a time. */
const MOST = 100;
/** How many of the missing are named. */
const MOST_NAMED = 20;

/** Fails the bodies of chords whose parts vanished: purged, or lost by a worker that had acknowledged them (decisions.md 36). Gives how many. */
export async function failOverdueChords(env: ExecutionEnv): Promise<number> {
  const late = (await env.backend.chords?.overdue(MOST)) ?? [];
  for (const chord of late) {
    // They were taken: nobody else ends them, and one that cannot be ended is no reason to leave the others.
    await failOverdue(chord, env).catch((error: unknown) => env.log.error(`Chord ${chord.groupId} is overdue and could not be ended`, { error }));
  }
  return late.length;
}

async function failOverdue(chord: OverdueChord, env: ExecutionEnv): Promise<void> {
  const message = await patiently(() => reasonOf(chord, env), `What is missing of chord ${chord.groupId} could not be read`, env);
  env.log.error(`Chord ${chord.groupId} failed: ${message}`);
  // Errbacks follow from a task; there is none here but the body itself.
  await failChordBody(chord.body, chordError(message), neverSent(chord.body), env);
}

async function reasonOf(chord: OverdueChord, env: ExecutionEnv): Promise<string> {
  const missing = await missingOf(chord, env);
  const named = missing.length > MOST_NAMED ? [...missing.slice(0, MOST_NAMED), '…'] : missing;
  const parts = `${chord.size - chord.arrived.length} of the ${chord.size} parts of the header`;
  return `${parts} did not end in time (resultChordExpires): ${named.join(', ')}. They were purged, or lost with their worker`;
}

/** Ids where the header was saved with the group, else places in it. */
async function missingOf({ groupId, size, arrived }: OverdueChord, env: ExecutionEnv): Promise<readonly string[]> {
  const tree = await env.backend.loadGroup(groupId);
  const known = new Set(arrived.map((part) => part.taskId));
  if (tree !== undefined) return idsOf(tree).filter((id) => !known.has(id));
  const places = new Set(arrived.map((part) => part.index));
  return Array.from({ length: size }, (_, place) => place).flatMap((place) => (places.has(place) ? [] : [`number ${place + 1}`]));
}
