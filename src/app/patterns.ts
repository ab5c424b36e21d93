/** A shell glob over task names, as Celery's routes and annotations take it: `*`, `?`, `[abc]`, `[!abc]`. Dots are ordinary characters. */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/\[!?[^\]]+\]|[*?]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return `[${part.startsWith('[!') ? `^${escaped(part.slice(2, -1))}` : escaped(part.slice(1, -1))}]`;
    return part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}

const escaped = (set: string): string => set.replaceAll(/[\\\]^]/g, '\\$&');
