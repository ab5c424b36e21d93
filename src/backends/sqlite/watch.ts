import type { SqliteRow } from '../../clients/sqlite-driver.ts';
import type { SqliteFile } from '../../clients/sqlite-file.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { ResultMeta } from '../../protocol/result-meta.ts';
import { FINAL_STATES } from '../../protocol/states.ts';

export interface WatchOptions {
  readonly file: SqliteFile;
  readonly clock: Clock;
  readonly decode: (column: SqliteRow[number]) => ResultMeta;
  readonly states: 'final' | 'all';
  readonly signal: AbortSignal;
}

/** So few tasks are asked for one by one; for more, what has changed since the last look is read, whoever's it is. */
const FEW_TASKS = 10;
/** How many changes are looked through in one step. */
const STEP_ROWS = 1000;
/** Between two looks when nothing rings: only to notice that a wait has become pointless. */
const WAIT_MS = 60_000;
const FINAL: ReadonlySet<string> = new Set(FINAL_STATES);

/** Metas of these tasks as they are and as they change. Each change has a number above all earlier ones, so that a look reads only what is new, whatever the number of tasks. */
export async function* watchResults(taskIds: readonly string[], options: WatchOptions): AsyncGenerator<ResultMeta> {
  const { file, states, signal } = options;
  const waited = new Set(taskIds);
  const isFew = waited.size <= FEW_TASKS;
  let seq = 0;
  const accept = (rows: readonly SqliteRow[]): ResultMeta[] => {
    const metas: ResultMeta[] = [];
    for (const [taskId, status, meta, number] of rows) {
      if (isFew) seq = Math.max(seq, Number(number));
      const isFinal = FINAL.has(String(status));
      if (!waited.has(String(taskId)) || (states === 'final' && !isFinal)) continue;
      if (isFinal) waited.delete(String(taskId));
      metas.push(options.decode(meta!));
    }
    return metas;
  };

  const readFew = (): Promise<readonly SqliteRow[]> => file.read(() => readTasks(file, [...waited], { after: seq, nowMs: options.clock.now() }));

  let changes = file.changes.of('results');
  if (!isFew) seq = await file.read(() => lastSeq(file));
  yield* accept(await file.read(() => readTasks(file, [...waited], { after: 0, nowMs: options.clock.now() })));
  while (waited.size > 0 && !signal.aborted) {
    await file.changed('results', { since: changes, ms: WAIT_MS, signal });
    if (signal.aborted) return;
    changes = file.changes.of('results');
    if (isFew) {
      yield* accept(await readFew());
      continue;
    }
    for (let isMore = true; isMore && waited.size > 0;) {
      const after = seq;
      const news = await file.read(() => readChanges(file, after, waited));
      seq = news.seq;
      isMore = news.isMore;
      yield* accept(news.rows);
    }
  }
}

const lastSeq = (file: SqliteFile): number => Number(file.sql('SELECT coalesce(max(seq), 0) FROM result').get()![0]);

function readTasks(file: SqliteFile, taskIds: readonly string[], { after, nowMs }: { readonly after: number; readonly nowMs: number }): readonly SqliteRow[] {
  const [only] = taskIds;
  const rest = 'AND seq > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq';
  const [which, ids] = taskIds.length === 1 ? ['task_id = ?', only!] : ['task_id IN (SELECT value FROM json_each(?))', JSON.stringify(taskIds)];
  return file.sql(`SELECT task_id, status, meta, seq FROM result WHERE ${which} ${rest}`).all([ids, after, nowMs]);
}

function readChanges(
  file: SqliteFile,
  after: number,
  waited: ReadonlySet<string>,
): { readonly seq: number; readonly isMore: boolean; readonly rows: readonly SqliteRow[] } {
  const changed = file.sql(`SELECT seq, task_id FROM result WHERE seq > ? ORDER BY seq LIMIT ${STEP_ROWS}`).all([after]);
  const seqs = changed.filter(([, taskId]) => waited.has(String(taskId))).map(([seq]) => seq);
  const rows =
    seqs.length === 0
      ? []
      : file.sql('SELECT task_id, status, meta FROM result WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq').all([JSON.stringify(seqs)]);
  return { seq: Number(changed.at(-1)?.[0] ?? after), isMore: changed.length === STEP_ROWS, rows };
}
