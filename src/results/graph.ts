import type { AsyncResult, DependencyGraph } from './result.ts';

/** What started what, as far as it is stored now: an edge from each result to each of its children. */
export async function dependencyGraph(root: AsyncResult<unknown>): Promise<DependencyGraph> {
  const edges: (readonly [from: string, to: string])[] = [];
  const seen = new Set<string>();
  const waiting = [root];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next.id)) continue;
    seen.add(next.id);
    for (const child of await next.children()) {
      edges.push([next.id, child.id]);
      waiting.push(child);
    }
  }
  const quote = (id: string): string => JSON.stringify(id);
  return {
    edges,
    toDot: () =>
      `digraph {\n${[...seen].map((id) => `  ${quote(id)};\n`).join('')}${edges.map(([from, to]) => `  ${quote(from)} -> ${quote(to)};\n`).join('')}}\n`,
  };
}
