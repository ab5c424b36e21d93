import { ImproperlyConfigured } from '../errors.ts';

/** A codec under its names. `load` gives it at once, or a promise where a package must be imported first. */
export interface CodecEntry<T> {
  readonly names: readonly string[];
  readonly contentType: string;
  load(): T | Promise<T>;
}

/** Codecs by name and by content type. What was loaded is kept, so that a second `load` answers at once. */
export class CodecTable<T> {
  readonly #entries = new Map<string, CodecEntry<T>>();
  readonly #loaded = new Map<CodecEntry<T>, T>();
  readonly #what: string;

  constructor(what: string, entries: readonly CodecEntry<T>[]) {
    this.#what = what;
    for (const entry of entries) this.add(entry);
  }

  /** Takes the place of whatever had these names or this content type. */
  add(entry: CodecEntry<T>): void {
    for (const name of [...entry.names, entry.contentType]) this.#entries.set(name, entry);
  }

  find(name: string): CodecEntry<T> | undefined {
    return this.#entries.get(name);
  }

  names(): readonly string[] {
    return [...new Set([...this.#entries.values()].flatMap(({ names }) => names))];
  }

  /** Throws ImproperlyConfigured for a name that nobody registered, or whose package is not installed. */
  load(name: string): T | Promise<T> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new ImproperlyConfigured(`there is no ${this.#what} ${JSON.stringify(name)}; known are ${this.names().join(', ')}`);
    const loaded = this.#loaded.get(entry);
    if (loaded !== undefined) return loaded;
    const codec = entry.load();
    if (!(codec instanceof Promise)) return this.#keep(entry, codec);
    return codec.then((value) => this.#keep(entry, value));
  }

  #keep(entry: CodecEntry<T>, codec: T): T {
    this.#loaded.set(entry, codec);
    return codec;
  }
}

/** Imports an optional package; ImproperlyConfigured says what to install when it is missing. */
export async function optionalPackage<T>(name: string, purpose: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND')) {
      throw new ImproperlyConfigured(`${purpose} needs the package ${name}, which is not installed: npm install ${name}`, { cause: error });
    }
    throw error;
  }
}
