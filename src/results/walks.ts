import { collect, iterdeps, leafOf, lineage } from './collect.ts';
import { dependencyGraph } from './graph.ts';
import type { AsyncResult, DependencyGraph, GetOptions } from './result.ts';

/** What every handle can tell of the workflow around it, by its parent and its children alone. */
export abstract class ResultWalks {
  collect(this: AsyncResult<unknown>, options?: { readonly intermediate?: boolean } & GetOptions): AsyncIterable<readonly [AsyncResult<unknown>, unknown]> {
    return collect(this, options);
  }

  iterdeps(
    this: AsyncResult<unknown>,
    options?: { readonly intermediate?: boolean },
  ): AsyncIterable<readonly [AsyncResult<unknown> | null, AsyncResult<unknown>]> {
    return iterdeps(this, options);
  }

  getLeaf(this: AsyncResult<unknown>, options?: GetOptions): Promise<unknown> {
    return leafOf(this, options);
  }

  graph(this: AsyncResult<unknown>): Promise<DependencyGraph> {
    return dependencyGraph(this);
  }

  asList(this: AsyncResult<unknown>): readonly string[] {
    return lineage(this);
  }

  toString(this: AsyncResult<unknown>): string {
    return this.id;
  }
}
