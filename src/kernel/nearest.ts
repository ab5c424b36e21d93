/** The one of `words` that somebody most likely meant by `word`; undefined when none is like it. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  const best = { word: undefined as string | undefined, distance: Math.max(1, Math.floor(wanted.length * 0.3)) + 1 };
  for (const candidate of words) {
    const distance = editDistance(wanted, candidate.toLowerCase(), best.distance);
    if (distance < best.distance) Object.assign(best, { word: candidate, distance });
  }
  return best.word;
}

/** What to throw where options are read that `whose` has not, so that a misspelled one is not silently as if nothing had been said. */
export function notAnOption(name: string, known: readonly string[], whose: string): TypeError {
  const meant = nearest(name, known);
  return new TypeError(
    `${JSON.stringify(name)} is not an option of ${whose}; ${meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean "${meant}"?`}`,
  );
}

/** Letters to insert, drop, replace, or swap with their neighbour; `limit` when there are that many or more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const line = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      line[j] = Math.min(above[j]! + 1, line[j - 1]! + 1, above[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) line[j] = Math.min(line[j]!, before[j - 2]! + 1);
    }
    if (Math.min(...line) >= limit) return limit;
    before = above;
    above = line;
  }
  return above[b.length]!;
}
