/** The one of `names` that `word` was most likely meant to be; undefined where none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => [name, distance(word.toLowerCase(), name.toLowerCase())] as const)
    .sort(([, a], [, b]) => a - b);
  const [best] = ranked;
  return best !== undefined && best[1] <= Math.max(2, Math.floor(word.length / 3)) ? best[0] : undefined;
}

/** Levenshtein's distance. Words here have a few dozen letters; longer ones are near to none. */
function distance(a: string, b: string): number {
  if (Math.max(a.length, b.length) > MAX_LETTERS) return MAX_LETTERS;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replaced = (row[j] as number) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

const MAX_LETTERS = 64;
