import type { Json } from '../protocol/json.ts';
import { TaskResult, type ResultOptions } from './async-result.ts';
import { GroupHandle } from './group-result.ts';
import type { AsyncResult } from './result.ts';
import type { ResultSource } from './source.ts';

/** What `compile` says of the results that a workflow will have. */
export interface Node {
  readonly id: string;
  readonly parent: Node | null;
  readonly children: readonly Node[] | null;
}

/** Handles on the results of a workflow. */
export function handleOf(node: Node, source: ResultSource, options: ResultOptions = {}): AsyncResult<unknown> {
  const parent = node.parent === null ? null : handleOf(node.parent, source);
  if (node.children === null) return new TaskResult(node.id, source, (tuple) => handleOf(nodeOf(tuple), source), { ...options, parent });
  const children = node.children.map((child) => handleOf(child, source));
  return new GroupHandle(node.id, children, source, parent);
}

/** Reads a result tuple, `[[id, parent], null or members]`; a bare id is one too. */
export function nodeOf(tuple: Json): Node {
  if (typeof tuple === 'string') return { id: tuple, parent: null, children: null };
  const [head, members] = Array.isArray(tuple) ? (tuple as readonly Json[]) : [];
  const [id, parent] = Array.isArray(head) ? (head as readonly Json[]) : [head];
  if (typeof id !== 'string') throw new TypeError(`a result tuple was expected, [[id, parent], members], not ${JSON.stringify(tuple)}`);
  return {
    id,
    parent: parent === null || parent === undefined ? null : nodeOf(parent),
    children: Array.isArray(members) ? (members as readonly Json[]).map(nodeOf) : null,
  };
}

/** The tuple of a node, as it stands among a task's children: without its parent. */
export function tupleOf(node: Node): Json {
  return [[node.id, null], node.children === null ? null : node.children.map(tupleOf)];
}
