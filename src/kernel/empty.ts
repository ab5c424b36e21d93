/**
 * Empties a list that has been read. On Node 20, a promise that passes through the hooks of AsyncLocalStorage outlives many collections of young objects,
 * though nobody can reach it, and with it what it was resolved with. Measured in a drain of 50,000 messages: 100 MB went through the old generation, 40 of
 * them the texts of messages, and 33 MB since lists that a promise hands over, or that its handlers hold, are emptied by whoever reads them last.
 */
export function empty(list: unknown[]): void {
  list.length = 0;
}
