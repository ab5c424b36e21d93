import { pythonRepr } from '../kernel/repr.ts';
import { readSignature, type SignatureData } from '../protocol/signature.ts';
import { GraphDrawing } from '../results/drawing.ts';
import type { DependencyGraph } from '../results/result.ts';
import type { AnySignature } from './signature.ts';
import { stepsOf } from './signature-data.ts';

/** A workflow that is written down, as a picture: each call a node, an edge to each that begins when it has ended. `toDot()` and `toMermaid()` draw it. */
export function workflowGraph(signature: AnySignature): DependencyGraph {
  const sketch = new Sketch();
  sketch.add(readSignature(signature.toJSON() as never));
  return sketch.drawing.done();
}

/** The nodes that begin a part of a workflow, and those whose ends end it. */
interface Ends {
  readonly first: readonly string[];
  readonly last: readonly string[];
}
const NOTHING: Ends = { first: [], last: [] };

class Sketch {
  readonly drawing = new GraphDrawing();
  #count = 0;

  add(signature: SignatureData): Ends {
    const { kwargs, subtask_type } = signature;
    switch (subtask_type) {
      case 'chain':
        return this.#linked(signature, this.#chain(stepsOf(kwargs['tasks'])));
      case 'group':
        return this.#group(stepsOf(kwargs['tasks']));
      case 'chord': {
        const header = this.#group(stepsOf(kwargs['header']));
        return this.#linked(signature, this.#after(header, this.#group(stepsOf(kwargs['body']))));
      }
      default:
        return this.#linked(signature, this.#call(signature));
    }
  }

  #call(signature: SignatureData): Ends {
    const id = `call ${(this.#count += 1)}`;
    this.drawing.node({ id, label: labelOf(signature), state: null });
    return { first: [id], last: [id] };
  }

  #chain(steps: readonly SignatureData[]): Ends {
    return steps.map((step) => this.add(step)).reduce((before, next) => this.#after(before, next), NOTHING);
  }

  #group(members: readonly SignatureData[]): Ends {
    const ends = members.map((member) => this.add(member));
    return { first: ends.flatMap(({ first }) => first), last: ends.flatMap(({ last }) => last) };
  }

  #after(before: Ends, next: Ends): Ends {
    for (const from of before.last) for (const to of next.first) this.drawing.edge(from, to);
    // What is empty is passed over.
    return { first: before.first.length > 0 ? before.first : next.first, last: next.last.length > 0 ? next.last : before.last };
  }

  /** Callbacks begin when it has ended; nothing waits for them. */
  #linked(signature: SignatureData, ends: Ends): Ends {
    for (const link of stepsOf(signature.options['link'])) this.#after(ends, this.add(link));
    for (const errback of stepsOf(signature.options['link_error'])) {
      const id = `call ${(this.#count += 1)}`;
      this.drawing.node({ id, label: `on error: ${labelOf(errback)}`, state: null });
      for (const from of ends.last) this.drawing.edge(from, id);
    }
    return ends;
  }
}

/** A call as one writes it; of many rows only how many. */
function labelOf({ task, args, kwargs }: SignatureData): string {
  if (task === 'celery.map' || task === 'celery.starmap' || task === 'celery.chunks') {
    const rows = Array.isArray(kwargs['it']) ? kwargs['it'].length : 0;
    return `${task.slice('celery.'.length)} of ${readSignature(kwargs['task']!).task}, ${rows} ${rows === 1 ? 'row' : 'rows'}`;
  }
  const shown = [
    ...args.map((arg) => pythonRepr(arg, { maxLength: 40 })),
    ...Object.entries(kwargs).map(([key, value]) => `${key}=${pythonRepr(value, { maxLength: 40 })}`),
  ];
  return `${task}(${shown.join(', ')})`;
}
