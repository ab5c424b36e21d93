import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface Run {
  readonly pid: number;
  readonly startedAt: number;
  readonly redelivered: boolean;
  endedAt: number | undefined;
}

export interface Ledger {
  /** By the test, and by tasks that were told that the broker has it. */
  readonly sent: number;
  readonly ended: number;
  readonly lost: readonly string[];
  /** Ids that ran more than once. */
  readonly repeated: number;
  /** Repeats that nothing explains: the earlier run was not cut short by a kill, nor over for less than the time an ack may take, nor did the task that sent it run again. */
  readonly unexplained: readonly string[];
  /** Ids that ran again because a message came again; where nobody was killed there must be none. */
  readonly redelivered: readonly string[];
  /** Ids that ran again because they were published twice: the answer to the first was lost. */
  readonly doubled: readonly string[];
}

/** A late ack waits for its result to be stored and leaves with the next take; on a loaded machine, with workers starting all the time, that may be this late. */
const ACK_MS = 1000;

/** Accounts for every id: what the workers' logs say against what was sent and who was killed when. */
export function ledgerOf(folder: string, given: readonly string[], killedAt: ReadonlyMap<number, number>): Ledger {
  const { runs, promised } = readLogs(folder);
  const sent = [...new Set([...given, ...promised])];
  const isEnded = (id: string): boolean => runs.get(id)?.some((run) => run.endedAt !== undefined) === true;
  const isCut = (run: Run): boolean => {
    const killed = killedAt.get(run.pid);
    return killed !== undefined && (run.endedAt === undefined || killed - run.endedAt <= ACK_MS);
  };
  const repeated = [...runs].filter(([, list]) => list.length > 1).map(([id, list]) => ({ id, list: list.toSorted((a, b) => a.startedAt - b.startedAt) }));
  // Whatever comes before the last "/" is the task that has sent it.
  const isSentAgain = (id: string): boolean => id.includes('/') && (runs.get(id.slice(0, id.lastIndexOf('/')))?.length ?? 0) > 1;
  const shown = ({ id, list }: (typeof repeated)[number]): string => `${id}: ${JSON.stringify(list)}`;
  const again = repeated.filter(({ id }) => !isSentAgain(id));
  return {
    sent: sent.length,
    ended: sent.filter(isEnded).length,
    lost: sent.filter((id) => !isEnded(id)),
    repeated: repeated.length,
    unexplained: again.filter(({ list }) => !list.slice(0, -1).every(isCut)).map(shown),
    redelivered: again.filter(({ list }) => list.slice(1).some((run) => run.redelivered)).map(shown),
    doubled: again.filter(({ list }) => !list.slice(1).some((run) => run.redelivered)).map(shown),
  };
}

function readLogs(folder: string): { readonly runs: ReadonlyMap<string, readonly Run[]>; readonly promised: ReadonlySet<string> } {
  const runs = new Map<string, Run[]>();
  const promised = new Set<string>();
  for (const file of readdirSync(folder)) {
    const pid = Number.parseInt(file, 10);
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const [kind, id, at, delivery] = line.split(' ');
      if (id === undefined || delivery === undefined) continue;
      const list = runs.get(id) ?? [];
      if (kind === 'P') promised.add(id);
      else runs.set(id, list);
      if (kind === 'S') list.push({ pid, startedAt: Number(at), redelivered: delivery === 'redelivered', endedAt: undefined });
      if (kind === 'E') list.findLast((run) => run.pid === pid)!.endedAt = Number(at);
    }
  }
  return { runs, promised };
}
