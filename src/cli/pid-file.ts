import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ImproperlyConfigured } from '../errors.ts';

/** A file that holds the process id for as long as this lives. Refuses when a living process has it; one that was left behind is taken over. */
export class PidFile implements Disposable {
  readonly #path: string;

  constructor(path: string) {
    const holder = holderOf(path);
    if (holder !== undefined && isAlive(holder)) {
      throw new ImproperlyConfigured(`--pidfile ${path}: process ${holder} has it and is running. Stop that one, or name another file.`);
    }
    writeFileSync(path, `${process.pid}\n`);
    this.#path = path;
  }

  [Symbol.dispose](): void {
    if (holderOf(this.#path) === process.pid) rmSync(this.#path, { force: true });
  }
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, and so alive.
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}
