import { newId } from '../../kernel/ids.ts';
import { RedisKeys } from './keys.ts';

/** Shorter members make Redis keep small tables as lists, which are slow to change (performance.md 3). */
const LEAST_TAG_LENGTH = 66;

/** Half a random id and a count: as unique as kombu's, and cheaper than a second random one for each message. */
export class DeliveryTags {
  readonly #prefix = newId().slice(0, 24);
  #count = 0;

  next(): string {
    this.#count += 1;
    return this.#prefix + this.#count.toString(16).padStart(12, '0');
  }
}

/** Of our own, so that the server need not look into a message; a new one for each store, so that numbers may begin anew. */
export function tagPrefix(owner: string, hostname: string): string {
  const prefix = `${RedisKeys.tagsOf(owner)}${hostname.replaceAll('/', '_')}/`;
  return `${prefix}${newId()
    .slice(0, 8)
    .padStart(LEAST_TAG_LENGTH - 2 - prefix.length, '0')}/`;
}
