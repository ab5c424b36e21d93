import type { AsyncResult, DependencyGraph } from './result.ts';
import { GraphDrawing } from './drawing.ts';

/**
 * What started what, as far as it is stored now, with states: from the first result that a handle knows of, down to what came of all of them.
 * The members of a chord's header stand before its body; a group stands for itself only where it was started.
 */
export async function dependencyGraph(root: AsyncResult<unknown>): Promise<DependencyGraph> {
  const drawing = new GraphDrawing();
  const seen = new Set<string>();
  const waiting: AsyncResult<unknown>[] = [root];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (seen.has(next.id)) continue;
    seen.add(next.id);
    await addNode(drawing, next);
    if (next.parent !== null) {
      for (const before of endsOf(next.parent)) drawing.edge(before.id, next.id);
      waiting.push(next.parent);
    }
    for (const child of await next.children()) {
      drawing.edge(next.id, child.id);
      waiting.push(child);
    }
  }
  return drawing.done();
}

async function addNode(drawing: GraphDrawing, result: AsyncResult<unknown>): Promise<void> {
  if (membersOf(result) !== undefined) return drawing.node({ id: result.id, label: 'group', state: null });
  const { name, status } = await result.meta();
  drawing.node({ id: result.id, label: name ?? result.id, state: status });
}

/** What must end before the next step begins: of a group each member. */
function endsOf(result: AsyncResult<unknown>): readonly AsyncResult<unknown>[] {
  const members = membersOf(result);
  return members === undefined || members.length === 0 ? [result] : members.flatMap(endsOf);
}

/** Those of a group's result; undefined for a task's. */
const membersOf = (result: AsyncResult<unknown>): readonly AsyncResult<unknown>[] | undefined =>
  (result as { readonly results?: readonly AsyncResult<unknown>[] }).results;
