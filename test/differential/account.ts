// What a run of the differential test has tried, and what it let go.
import { countShapes } from './shapes.ts';
import type { Tree } from './trees.ts';

export class Account {
  readonly #compared = new Map<string, number>();
  readonly #trees: Tree[] = [];
  readonly once: string[] = [];
  #unsure = 0;

  tried(trees: readonly Tree[], isSure: readonly boolean[]): void {
    this.#trees.push(...trees);
    this.#unsure += isSure.filter((sure) => !sure).length;
  }

  compared(road: string): void {
    this.#compared.set(road, (this.#compared.get(road) ?? 0) + 1);
  }

  /** A difference that the same tree did not show a second time. */
  notAgain(difference: string): void {
    this.once.push(difference);
  }

  /** Two of a hundred: of few comparisons two. */
  get mostOnce(): number {
    return Math.max(2, [...this.#compared.values()].reduce((sum, count) => sum + count, 0) * 0.02);
  }

  text(): string {
    const shapes = [...countShapes(this.#trees)].map(([shape, count]) => `  ${String(count).padStart(6)}  ${shape}`);
    return [
      `${this.#trees.length} trees, ${this.#unsure} of them left out, as Celery differs from itself on them`,
      ...[...this.#compared].map(([road, count]) => `  ${String(count).padStart(6)}  ${road}`),
      'shapes in them:',
      ...shapes,
      `${this.once.length} differences that did not show again (at most ${Math.floor(this.mostOnce)} are taken for chance)`,
      ...this.once,
      '',
    ].join('\n');
  }
}
