import { IncompleteStream } from '../errors.ts';
import type { AsyncResult, GetOptions } from './result.ts';

/** A result and everything that it started, breadth first, each with its value. With `intermediate` what is not ready has the value null. */
export async function* collect(
  root: AsyncResult<unknown>,
  options: { readonly intermediate?: boolean } & GetOptions = {},
): AsyncGenerator<readonly [AsyncResult<unknown>, unknown], void, void> {
  const { intermediate = false, ...get } = options;
  const waiting: AsyncResult<unknown>[] = [root];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const isReady = !intermediate || (await next.ready());
    yield [next, isReady ? await next.get(get) : null];
    waiting.push(...(await next.children()));
  }
}

/** The same without values, each with what started it. What has not ended may start more: without `intermediate` it ends the walk with an error. */
export async function* iterdeps(
  root: AsyncResult<unknown>,
  { intermediate = false }: { readonly intermediate?: boolean } = {},
): AsyncGenerator<readonly [AsyncResult<unknown> | null, AsyncResult<unknown>], void, void> {
  const waiting: (readonly [AsyncResult<unknown> | null, AsyncResult<unknown>])[] = [[null, root]];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    yield next;
    const [, node] = next;
    if (!intermediate && !(await node.ready())) {
      throw new IncompleteStream(
        `the result ${node.id} has not ended, so it is not known what it starts: wait with get() first, or pass { intermediate: true }`,
      );
    }
    for (const child of await node.children()) waiting.push([node, child]);
  }
}

export async function leafOf(root: AsyncResult<unknown>, options?: GetOptions): Promise<unknown> {
  let last: unknown = null;
  for await (const [, value] of collect(root, options)) last = value;
  return last;
}

/** Ids from this result up to the first before it. */
export function lineage(root: AsyncResult<unknown>): readonly string[] {
  const ids: string[] = [];
  for (let at: AsyncResult<unknown> | null = root; at !== null; at = at.parent) ids.push(at.id);
  return ids;
}
