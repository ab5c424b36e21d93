import type { ResultMeta } from '../../protocol/result-meta.ts';

/** As many as Celery keeps of those that nobody has asked for. */
const MAX_KEPT = 8192;
/** Those that somebody has got stay for whoever asks again (a chain's end hears its steps, too), while their messages are no longer than this in all. */
const MAX_TOLD_LENGTH = 16 * 2 ** 20;

interface Kept {
  readonly meta: ResultMeta;
  readonly length: number;
}

/** The last state of each task, for whoever asks late. What nobody has got yet is nowhere else, and so not dropped for its length. */
export class KeptResults {
  /** Both with the oldest news first. */
  readonly #untold = new Map<string, Kept>();
  readonly #told = new Map<string, Kept>();
  #toldLength = 0;

  isSuccess(taskId: string): boolean {
    return (this.#untold.get(taskId) ?? this.#told.get(taskId))?.meta.status === 'SUCCESS';
  }

  /** From then on somebody has got it. */
  tell(taskId: string): ResultMeta | undefined {
    const untold = this.#untold.get(taskId);
    if (untold !== undefined) this.keep(untold.meta, untold.length, true);
    return (untold ?? this.#told.get(taskId))?.meta;
  }

  keep(meta: ResultMeta, length: number, isTold: boolean): void {
    this.delete(meta.task_id);
    (isTold ? this.#told : this.#untold).set(meta.task_id, { meta, length });
    if (isTold) this.#toldLength += length;
    if (this.#untold.size > MAX_KEPT) this.delete(this.#untold.keys().next().value!);
    // The newest stays in any case: one handle has asked for its state, and the next asks for the result.
    while (this.#told.size > MAX_KEPT || (this.#toldLength > MAX_TOLD_LENGTH && this.#told.size > 1)) this.delete(this.#told.keys().next().value!);
  }

  delete(taskId: string): void {
    this.#toldLength -= this.#told.get(taskId)?.length ?? 0;
    this.#told.delete(taskId);
    this.#untold.delete(taskId);
  }
}
