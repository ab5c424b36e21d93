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
