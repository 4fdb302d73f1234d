/** Characters that do not look like what they are: invisible ones, those that turn the direction of text, and letters of another script inside a word. */

export interface Run {
  readonly text: string;
  /** The text of a box in the character's place; null for ordinary text. */
  readonly odd: string | null;
}

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\u115f\u1160\u17b4\u17b5\u2028\u2029\u3164\uffa0]/u;
const KEPT = new Set(["\n", "\t", "\r"]);
const LATIN = /\p{Script=Latin}/u;
/** Scripts whose letters are taken for Latin ones. */
const LOOK_ALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const WORD = /[\p{L}\p{M}\p{N}_\u200b-\u200f]+/gu;

export function oddRuns(text: string): readonly Run[] {
  const mixed = mixedPlaces(text);
  const runs: Run[] = [];
  let plain = "";
  let index = 0;
  const flush = (): void => {
    if (plain !== "") runs.push({ text: plain, odd: null });
    plain = "";
  };
  for (const character of text) {
    const isInvisible = INVISIBLE.test(character) && !KEPT.has(character);
    if (isInvisible || mixed.has(index)) {
      flush();
      const point = codePoint(character);
      runs.push({ text: character, odd: isInvisible ? point : `${point} ${character}` });
    } else {
      plain += character;
    }
    index += character.length;
  }
  flush();
  return runs;
}

/** Letters that are not Latin, in words that are Latin otherwise. */
function mixedPlaces(text: string): ReadonlySet<number> {
  const places = new Set<number>();
  if (!LOOK_ALIKE.test(text)) return places;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!LATIN.test(word)) continue;
    let at = index;
    for (const character of word) {
      if (LOOK_ALIKE.test(character)) places.add(at);
      at += character.length;
    }
  }
  return places;
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
