import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs';
import type { Logger } from '../kernel/logger.ts';

/**
 * A file beside the database into which a process writes one byte after each commit that others may wait for. Watching it wakes
 * them in a fraction of a millisecond and costs nothing while nothing happens. It is a help only: where it fails, polling remains.
 */
export class Bell {
  readonly #path: string;
  readonly #log: Logger;
  #fd: number | undefined;
  #watcher: FSWatcher | undefined;
  #hasFailed = false;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  ring(): void {
    try {
      this.#fd ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o666);
      writeSync(this.#fd, ONE, 0, 1, 0);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Begins to listen, if it does not already: then it is true. */
  listen(onRing: () => void): boolean {
    if (this.#watcher !== undefined || this.#hasFailed) return false;
    try {
      closeSync(openSync(this.#path, 'a', 0o666));
      this.#watcher = watch(this.#path, { persistent: false }, (event) => {
        // Renamed or deleted: this watch has lost its file. The next `listen` looks for the new one.
        if (event === 'rename') this.#forget();
        onRing();
      });
      this.#watcher.on('error', (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
    return true;
  }

  close(): void {
    this.#forget();
  }

  #forget(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #failed(error: unknown): void {
    this.#forget();
    if (!this.#hasFailed) this.#log.warn(`cannot use ${this.#path} to wake other processes; they look for themselves four times a second`, { error });
    this.#hasFailed = true;
  }
}

const ONE = new Uint8Array([33]);
