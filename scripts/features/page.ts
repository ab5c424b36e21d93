// Which test shows which of Celery's features: read from comments `// features: 4-001 5-012` above tests (or groups of tests).
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));

export interface Feature {
  readonly id: string;
  readonly section: string;
  readonly item: string;
}
/** A test that says which features it shows. */
export interface Tag {
  readonly id: string;
  readonly file: string;
  readonly test: string;
}

/** The items of the inventory that are mapped so far: its sections 4 (canvas) and 5 (results). */
export function features(): readonly Feature[] {
  return readFileSync(join(here, 'items.tsv'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [id, section, item] = line.split('\t');
      return { id: id!, section: section!.trim(), item: item! };
    });
}

/** Why an item is not to be had here. */
export const leftOut = (): Readonly<Record<string, string>> => JSON.parse(readFileSync(join(here, 'left-out.json'), 'utf8'));

export function tags(): readonly Tag[] {
  return ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .toSorted()
      .flatMap((file) => tagsIn(`${folder}/${file}`)),
  );
}

function tagsIn(file: string): readonly Tag[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const [, ids] = /^\s*\/\/ features: ((?:\d+-\d+ ?)+)$/.exec(line) ?? [];
    if (ids === undefined) return [];
    const below = lines.slice(index + 1, index + 40).join('\n');
    // The name of what follows; of a table of cases, which stands before its name, the first text after the closing bracket.
    const [, , name] = /^\s*(?:export )?(?:test|it|describe)(?:\.\w+(?:\([^]*?\n\s*\])?(?:\([^)\n]*\))?)*\(\s*(['"`])((?:\\.|(?!\1).)*)\1/.exec(below) ?? [];
    const [, , tabled] = /\]\s*\)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/.exec(below) ?? [];
    const [, , row] = /name: (['"`])((?:\\.|(?!\1).)*)\1/.exec(below) ?? [];
    return ids
      .trim()
      .split(' ')
      .map((id) => ({ id, file, test: name ?? tabled ?? row ?? '' }));
  });
}

export function coveragePage(): string {
  const [known, reasons, tagged] = [features(), leftOut(), tags()];
  const shown = known.filter(({ id }) => tagged.some((tag) => tag.id === id)).length;
  const open = known.filter(({ id }) => !tagged.some((tag) => tag.id === id) && reasons[id] === undefined).length;
  const sections = [...new Set(known.map(({ section }) => section))];
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const where = (id: string): string => {
    const tests = tagged.filter((tag) => tag.id === id);
    if (tests.length > 0) return tests.map(({ file, test }) => `${file}${test === '' ? '' : `: ${cell(test)}`}`).join('<br>');
    return reasons[id] === undefined ? '**no test says so yet**' : `Left out. ${cell(reasons[id]!)}`;
  };
  const table = (section: string): string =>
    [
      `## ${section}\n`,
      '| Id | Item | Where it is shown |',
      '|---|---|---|',
      ...known.filter((one) => one.section === section).map(({ id, item }) => `| ${id} | ${cell(item)} | ${where(id)} |`),
    ].join('\n');
  return `<!-- Made by scripts/gen-docs.ts from comments above tests. Do not edit. -->

# Which of Celery’s features are shown by which test

Canvas and results, item by item: ${shown} of ${known.length} are shown by a test, ${known.length - shown - open} are left out for the reason given, ${open} are still open.

${sections.map(table).join('\n\n')}
`;
}
