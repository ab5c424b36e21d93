import { ImproperlyConfigured } from '../../errors.ts';

/** A line as a shell would cut it: at spaces, but not within quotes or after a backslash. Throws ImproperlyConfigured over a quote that is never closed. */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  const rest = line.replaceAll(/\s*((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/g, (_, word: string) => {
    words.push(unquoted(word));
    return '';
  });
  if (rest.trim() !== '') throw new ImproperlyConfigured(`a quote is not closed: ${rest.trim()}`);
  return words;
}

function unquoted(word: string): string {
  return word.replaceAll(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
    (_, plain?: string, quoted?: string, escaped?: string) => plain ?? quoted?.replaceAll(/\\(["\\])/g, '$1') ?? escaped!,
  );
}
