import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface Run {
  readonly pid: number;
  readonly startedAt: number;
  endedAt: number | undefined;
}

export interface Ledger {
  readonly sent: number;
  readonly ended: number;
  readonly lost: readonly string[];
  /** Ids that ran more than once. */
  readonly repeated: number;
  /** Repeats that nothing explains: the earlier run was not cut short by a kill, nor over for less than the time an ack may take. */
  readonly unexplained: readonly string[];
}

/** A late ack waits for its result to be stored and leaves with the next take; on a loaded machine, with workers starting all the time, that may be this late. */
const ACK_MS = 1000;

/** Accounts for every id: what the workers' logs say against what was sent and who was killed when. */
export function ledgerOf(folder: string, sent: readonly string[], killedAt: ReadonlyMap<number, number>): Ledger {
  const runs = new Map<string, Run[]>();
  for (const file of readdirSync(folder)) {
    const pid = Number.parseInt(file, 10);
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const [kind, id, at] = line.split(' ');
      if (id === undefined || at === undefined) continue;
      const list = runs.get(id) ?? [];
      runs.set(id, list);
      if (kind === 'S') list.push({ pid, startedAt: Number(at), endedAt: undefined });
      else list.findLast((run) => run.pid === pid)!.endedAt = Number(at);
    }
  }
  const isEnded = (id: string): boolean => runs.get(id)?.some((run) => run.endedAt !== undefined) === true;
  const repeated = [...runs].filter(([, list]) => list.length > 1);
  const isExplained = (run: Run): boolean => {
    const killed = killedAt.get(run.pid);
    return killed !== undefined && (run.endedAt === undefined || killed - run.endedAt <= ACK_MS);
  };
  return {
    sent: sent.length,
    ended: sent.filter(isEnded).length,
    lost: sent.filter((id) => !isEnded(id)),
    repeated: repeated.length,
    unexplained: repeated
      .filter(([, list]) =>
        list
          .toSorted((a, b) => a.startedAt - b.startedAt)
          .slice(0, -1)
          .some((run) => !isExplained(run)),
      )
      .map(([id, list]) => `${id}: ${JSON.stringify(list)}`),
  };
}
