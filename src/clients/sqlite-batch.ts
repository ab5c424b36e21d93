import type { Topic } from './sqlite-changes.ts';
import type { SqliteFile } from './sqlite-file.ts';

/** Rows that came one by one, written together. */
export interface BatchOptions<T> {
  readonly file: SqliteFile;
  readonly when: 'soon' | 'later';
  readonly rings: Topic | false;
  readonly max: number;
  write(rows: readonly T[]): void;
  /** Whether `write` would make one statement of these. */
  readonly isSingle?: (rows: readonly T[]) => boolean;
}

/** Gathers rows until they are written; all of one batch share one promise. */
export class Batch<T> {
  readonly #options: BatchOptions<T>;
  #open: { readonly rows: T[]; readonly done: Promise<void> } | undefined;

  constructor(options: BatchOptions<T>) {
    this.#options = options;
  }

  add(row: T): Promise<void> {
    const { max } = this.#options;
    const open = (this.#open ??= this.#begin());
    open.rows.push(row);
    if (open.rows.length >= max) this.#open = undefined;
    return open.done;
  }

  /** What was added and not answered so far. */
  async idle(): Promise<void> {
    await this.#open?.done;
  }

  #begin(): { readonly rows: T[]; readonly done: Promise<void> } {
    const { file, when, rings, write, isSingle } = this.#options;
    const rows: T[] = [];
    const batch = {
      rows,
      done: file.write({
        when,
        rings,
        rows: () => rows.length,
        isSingle: () => isSingle?.(rows) ?? false,
        run: () => {
          // From here on it is closed: what comes after belongs to the next.
          if (this.#open === batch) this.#open = undefined;
          write(rows);
        },
      }),
    };
    return batch;
  }
}

/** A statement for many rows of `columns` values each, made with as many rows as fit; texts are few, so that they stay prepared. */
export function forRows(count: number, write: (from: number, count: number) => void): void {
  for (let from = 0; from < count;) {
    const size = ROW_COUNTS.find((rows) => rows <= count - from) ?? 1;
    write(from, size);
    from += size;
  }
}
const ROW_COUNTS: readonly number[] = [64, 16, 4, 1];

export const placeholders = (rows: number, columns: number): string =>
  Array<string>(rows)
    .fill(`(${Array<string>(columns).fill('?').join(',')})`)
    .join(',');
