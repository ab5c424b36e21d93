// What a run of the differential test has tried, and what it let go: told batch by batch, so that a run that is interrupted has told it too.
import { countShapes } from './shapes.ts';
import type { Tree } from './trees.ts';

export class Account {
  readonly #first: number;
  readonly #count: number;
  readonly #compared = new Map<string, number>();
  readonly #trees = new Map<number, Tree>();
  readonly #startedAt = performance.now();
  readonly once: string[] = [];
  #unsure = 0;
  #endless = 0;
  #different = 0;

  /** Of `count` seeds from `first` on. */
  constructor(first: number, count: number) {
    this.#first = first;
    this.#count = count;
  }

  compared(road: string): void {
    this.#compared.set(road, (this.#compared.get(road) ?? 0) + 1);
  }

  /** A difference that the same tree did not show a second time. */
  notAgain(difference: string): void {
    this.once.push(difference);
  }

  /** The trees of a batch by seed, how many of them Celery is no measure for and how many it leaves without an end, and what differed for good; the line that tells it. */
  done(trees: ReadonlyMap<number, Tree>, found: { readonly unsure: number; readonly endless: number; readonly wrong: readonly string[] }): string {
    for (const [seed, tree] of trees) this.#trees.set(seed, tree);
    this.#unsure += found.unsure;
    this.#endless += found.endless;
    this.#different += found.wrong.length;
    const seeds = [...trees.keys()];
    return [
      `differential: ${this.#trees.size} of ${this.#count} trees in ${Math.round((performance.now() - this.#startedAt) / 1000)} s:`,
      `${this.#different} differences, ${this.once.length} more that did not show again, ${this.#unsure} trees left out;`,
      `now seeds ${seeds[0]} to ${seeds.at(-1)}${this.#next > this.#first ? `, all before ${this.#next} are done` : ''}`,
      ...(this.#next < this.#first + this.#count
        ? [`(DIFFERENTIAL_SEED=${this.#next} DIFFERENTIAL_TREES=${this.#first + this.#count - this.#next} goes on from there)`]
        : []),
      ...found.wrong.map((difference) => `\nDIFFERS ${difference}`),
    ].join(' ');
  }

  /** The first seed that is not done. */
  get #next(): number {
    let seed = this.#first;
    while (this.#trees.has(seed)) seed += 1;
    return seed;
  }

  /** Two of a hundred: of few comparisons two. */
  get mostOnce(): number {
    return Math.max(2, [...this.#compared.values()].reduce((sum, count) => sum + count, 0) * 0.02);
  }

  text(): string {
    const shapes = [...countShapes([...this.#trees.values()])].map(([shape, count]) => `  ${String(count).padStart(6)}  ${shape}`);
    return [
      `${this.#trees.size} trees, ${this.#unsure} of them left out, as Celery differs from itself on them; ${this.#endless} that Celery leaves without an end are tried by TypeScript alone`,
      ...[...this.#compared].map(([road, count]) => `  ${String(count).padStart(6)}  ${road}`),
      'shapes in them:',
      ...shapes,
      `${this.once.length} differences that did not show again (at most ${Math.floor(this.mostOnce)} are taken for chance)`,
      ...this.once,
      '',
    ].join('\n');
  }
}
