import { AlreadyRegistered, ImproperlyConfigured } from '../errors.ts';
import type { TaskTable } from './core.ts';
import type { TaskEntry } from './task-entry.ts';

type ErrbackFunction = (...args: never[]) => unknown;

/** The tasks of one app by name, and the callbacks for failures that run in process. */
export class Registry implements TaskTable {
  readonly #entries = new Map<string, TaskEntry>();
  readonly #errbacks = new Map<string, ErrbackFunction>();

  get(name: string): TaskEntry | undefined {
    return this.#entries.get(name);
  }

  names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  entries(): IterableIterator<TaskEntry> {
    return this.#entries.values();
  }

  /** Throws AlreadyRegistered, naming both places, unless it is the same function again: then the first stays and is returned. */
  add(entry: TaskEntry): TaskEntry {
    const taken = this.#entries.get(entry.name);
    if (taken !== undefined && !taken.definition.isBuiltin) {
      if (taken.definition.fn === entry.definition.fn) return taken;
      throw new AlreadyRegistered(
        `the task name ${JSON.stringify(entry.name)} is taken twice: first ${taken.definition.where}, now ${entry.definition.where}. Give one of them another name`,
      );
    }
    this.#entries.set(entry.name, entry);
    return entry;
  }

  addErrback(name: string, fn: ErrbackFunction): void {
    const taken = this.#errbacks.get(name);
    if (taken !== undefined && taken !== fn) throw new AlreadyRegistered(`the errback name ${JSON.stringify(name)} is taken twice`);
    if (this.#entries.has(name)) throw new ImproperlyConfigured(`${JSON.stringify(name)} is the name of a task: give the errback another`);
    this.#errbacks.set(name, fn);
  }

  errback(name: string): ErrbackFunction | undefined {
    return this.#errbacks.get(name);
  }
}
