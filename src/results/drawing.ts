import type { TaskState } from '../protocol/states.ts';
import type { DependencyGraph, GraphNode } from './result.ts';

/** Colours of states; any other (a state of the user's) is as STARTED. */
const FILL: Readonly<Record<string, string>> = {
  PENDING: '#eeeeee',
  RECEIVED: '#eeeeee',
  STARTED: '#cfe2ff',
  RETRY: '#ffe8a1',
  SUCCESS: '#c8e6c9',
  FAILURE: '#f5b7b1',
  REVOKED: '#d7bde2',
  REJECTED: '#f5b7b1',
  IGNORED: '#eeeeee',
};
const fillOf = (state: TaskState): string => FILL[state] ?? FILL['STARTED']!;

/** Collects nodes and edges, each once, in the order in which they are given. */
export class GraphDrawing {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #edges = new Map<string, readonly [string, string]>();

  node(node: GraphNode): void {
    if (!this.#nodes.has(node.id)) this.#nodes.set(node.id, node);
  }

  edge(from: string, to: string): void {
    this.#edges.set(JSON.stringify([from, to]), [from, to]);
  }

  done(): DependencyGraph {
    const nodes = [...this.#nodes.values()];
    const edges = [...this.#edges.values()];
    return { nodes, edges, toDot: () => dot(nodes, edges), toMermaid: () => mermaid(nodes, edges) };
  }
}

type Edges = DependencyGraph['edges'];

function dot(nodes: readonly GraphNode[], edges: Edges): string {
  const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  const looks = ({ id, label, state }: GraphNode): string => {
    const text = label === id ? id : label;
    if (state === null) return `label=${quoted(text)}, shape=${label === 'group' ? 'ellipse' : 'box'}`;
    return `label=${quoted(`${text}\n${state}`)}, shape=box, style=filled, fillcolor=${quoted(fillOf(state))}`;
  };
  return [
    'digraph {',
    ...nodes.map((node) => `  ${quoted(node.id)} [${looks(node)}];`),
    ...edges.map(([from, to]) => `  ${quoted(from)} -> ${quoted(to)};`),
    '}',
    '',
  ].join('\n');
}

function mermaid(nodes: readonly GraphNode[], edges: Edges): string {
  // Ids of its own: those of tasks may hold what Mermaid takes for syntax.
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('\n', '<br/>');
  const states = [...new Set(nodes.flatMap(({ state }) => (state === null ? [] : [state])))];
  const classOf = (state: TaskState): string => `state${states.indexOf(state)}`;
  const drawn = ({ id, label, state }: GraphNode): string => {
    const text = state === null ? escaped(label) : `${escaped(label)}<br/>${escaped(state)}`;
    const [open, close] = label === 'group' && state === null ? ['([', '])'] : ['[', ']'];
    return `  ${names.get(id)}${open}"${text}"${close}${state === null ? '' : `:::${classOf(state)}`}`;
  };
  return [
    'flowchart TD',
    ...nodes.map(drawn),
    ...edges.filter(([from, to]) => names.has(from) && names.has(to)).map(([from, to]) => `  ${names.get(from)} --> ${names.get(to)}`),
    ...states.map((state) => `  classDef ${classOf(state)} fill:${fillOf(state)}`),
    '',
  ].join('\n');
}
