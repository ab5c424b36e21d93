/** The place of an element in a `LinkedSet`, which alone writes it. An element is in one such set at a time. */
export interface Linked<T extends Linked<T>> {
  in: LinkedSet<T> | undefined;
  before: T | undefined;
  after: T | undefined;
}

/**
 * A set in the order of adding whose elements carry the links themselves, for what comes and goes with each message. A `Set` is rebuilt every few hundred
 * changes, and V8 has each table that was given up point to the next: once one of them is old, all that passed through the set after it is kept alive
 * until the old generation is collected (a worker grew by 50 MB so). Here what has left points to nothing.
 */
export class LinkedSet<T extends Linked<T>> implements Iterable<T> {
  #size = 0;
  #first: T | undefined;
  #last: T | undefined;

  get size(): number {
    return this.#size;
  }

  /** The one that was added first. */
  get first(): T | undefined {
    return this.#first;
  }

  has(element: T): boolean {
    return element.in === this;
  }

  add(element: T): void {
    if (element.in === this) return;
    element.in?.delete(element);
    element.in = this;
    element.before = this.#last;
    if (this.#last === undefined) this.#first = element;
    else this.#last.after = element;
    this.#last = element;
    this.#size += 1;
  }

  /** False when it was not in here. */
  delete(element: T): boolean {
    if (element.in !== this) return false;
    const { before, after } = element;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    element.in = undefined;
    element.before = undefined;
    element.after = undefined;
    this.#size -= 1;
    return true;
  }

  clear(): void {
    for (const element of this) this.delete(element);
  }

  /** Those that are in here now, but for what leaves meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    const all: T[] = [];
    for (let element = this.#first; element !== undefined; element = element.after) all.push(element);
    for (const element of all) if (element.in === this) yield element;
  }
}
