/** Celery's names in a result store (wire.md 4.2), behind `global_keyprefix` as 5.5 and later join it. */
export class ResultKeys {
  readonly #prefix: string;
  /** Chords of ours by deadline, and their bodies. */
  readonly chordDeadlines: string;
  readonly chordBodies: string;

  constructor(globalKeyprefix: unknown) {
    const given = typeof globalKeyprefix === 'string' ? globalKeyprefix : '';
    this.#prefix = given === '' || /[:_.-]$/.test(given) ? given : `${given}_`;
    this.chordDeadlines = `${this.#prefix}celeriac/chords`;
    this.chordBodies = `${this.#prefix}celeriac/chords/bodies`;
  }

  /** Of a task's meta; the channel on which it is published has the same name. */
  task(id: string): string {
    return `${this.#prefix}celery-task-meta-${id}`;
  }

  /** The saved tree of a group; with a letter one of a chord's keys. */
  group(id: string, part: '' | '.j' | '.t' | '.s' | '.d' | '.c' = ''): string {
    return `${this.#prefix}celery-taskset-meta-${id}${part}`;
  }
}
