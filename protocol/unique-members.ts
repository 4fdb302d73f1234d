/** JSON that means one thing: an object that names a member twice is read differently by different parsers (RFC 7493 §2.3). */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const SPACE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

/** An object or array that is not at its end yet. */
interface Open {
  /** Names seen in an object; undefined for an array. */
  readonly names: Set<string> | undefined;
  /** The member that is being read: its name, or its number. */
  member: string | number;
}

/**
 * Where some object of `text` has a member for the second time, escapes decoded: `pieces[0].debug`; undefined where all are
 * unique.
 *
 * @param text JSON that `JSON.parse` has accepted: nothing else is checked here
 */
export function findRepeatedMember(text: string): string | undefined {
  const open: Open[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    const inner = open.at(-1);
    if (char === QUOTE) {
      const end = endOfString(text, at);
      if (inner?.names !== undefined && isName(text, end)) {
        inner.member = JSON.parse(text.slice(at, end)) as string;
        if (inner.names.has(inner.member)) return placeOf(open);
        inner.names.add(inner.member);
      }
      at = end;
      continue;
    }
    if (char === OPEN_OBJECT) open.push({ names: new Set(), member: "" });
    else if (char === OPEN_ARRAY) open.push({ names: undefined, member: 0 });
    else if (char === CLOSE_OBJECT || char === CLOSE_ARRAY) open.pop();
    else if (char === COMMA && typeof inner?.member === "number") inner.member += 1;
    at += 1;
  }
  return undefined;
}

function placeOf(open: readonly Open[]): string {
  return joinPlace(open.map(({ member }) => member));
}

/** `["pieces", 0, "debug"]` as `pieces[0].debug`. */
export function joinPlace(members: readonly PropertyKey[]): string {
  return members.reduce<string>(
    (place, member) =>
      typeof member === "number"
        ? `${place}[${member}]`
        : place === ""
          ? String(member)
          : `${place}.${String(member)}`,
    "",
  );
}

/** Behind the closing quote of the string that begins at `start`, or behind the text, where there is none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (SPACE.has(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}
