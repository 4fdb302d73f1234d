/** JSON that means one thing: an object that names a member twice is read differently by different parsers (RFC 7493 §2.3). */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const SPACE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

/**
 * The first member name that some object of `text` has twice, escapes decoded; undefined where all are unique.
 *
 * @param text JSON that `JSON.parse` has accepted: nothing else is checked here
 */
export function findRepeatedMember(text: string): string | undefined {
  /** Names seen, per open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = endOfString(text, at);
      const names = open.at(-1);
      if (names !== undefined && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end;
      continue;
    }
    if (char === OPEN_OBJECT) open.push(new Set());
    else if (char === OPEN_ARRAY) open.push(undefined);
    else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) open.pop();
    at += 1;
  }
  return undefined;
}

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (SPACE.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}
