/** Mutations of JSON by its shape: a value of another kind, in another spelling, twice, or missing; the same seed, the same inputs. */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { Random } from "./mutation.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

/** JSON text each: what another language's writer, a careless one or an attacker puts where something else is expected. */
const ODD_VALUES: readonly string[] = [
  ...["null", "true", "0", "-0", "-1", "1.5", "1e308", "1e-400", "9007199254740993"],
  ...[
    '""',
    '" "',
    '"0x"',
    '"0X00"',
    '"0xzz"',
    '"\\u0663"',
    '"\\u0000"',
    '"\\ud800"',
    '"__proto__"',
    '"-1"',
    '"NaN"',
  ],
  ...[
    '"2026-02-31T00:00:00Z"',
    '"9999-12-31T23:59:60Z"',
    '"2026-01-01"',
    '"AAAA"',
    '"AA-_"',
    '"AA=="',
    '"AA\\nAA"',
  ],
  ...[
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[null]",
    '[["me"]]',
    '{"toString":1,"valueOf":1}',
    '{"constructor":{"name":"x"}}',
  ],
  ...[
    '{"__proto__":{"iss":"x"}}',
    '{"length":1e9}',
    `${"[".repeat(60)}${"]".repeat(60)}`,
    `"${"é".repeat(3000)}"`,
  ],
];

/** Spellings of a text that mean it to some readers and to others not. */
const RESPELL: readonly ((text: string) => string)[] = [
  (text) => text.toUpperCase(),
  (text) => `0x${text}`,
  (text) => text.replace(/^0x/i, ""),
  (text) => ` ${text}\n`,
  (text) => text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  (text) => `${text}=`,
  (text) => text.slice(0, -1),
  (text) => text + text,
  (text) => `\ufeff${text}`,
  (text) => text.replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit))),
  (text) => text.replaceAll("\n", "\r\n"),
];

/** One to three changes to a genuine document in JSON. */
export function mutateShape(genuine: Bytes, random: Random): Bytes {
  const document = { root: JSON.parse(new TextDecoder().decode(genuine)) as unknown };
  const marks: string[] = [];
  for (let left = 1 + random(3); left > 0; left--) change(document, marks, random);
  const text = JSON.stringify(document.root ?? null).replaceAll(
    /"\\u0001(\d+)"/g,
    (_, at: string) => marks[Number(at)]!,
  );
  return toUtf8(random(16) === 0 ? `\ufeff${text}` : text);
}

function change(document: { readonly root: unknown }, marks: string[], random: Random): void {
  const places = placesIn(document);
  const { holder, name } = places[random(places.length)]!;
  const value = holder[name];
  const kind = random(6);
  if (kind === 0 && holder !== (document as unknown)) {
    if (Array.isArray(holder)) holder.splice(Number(name), 1);
    else Reflect.deleteProperty(holder, name);
  } else if (kind === 1) {
    if (Array.isArray(holder)) holder.push(structuredClone(value));
    else holder[`${name}${["", "2", " ", "\u0000"][random(4)]!}`] = [value, value];
  } else if (kind <= 3 && typeof value === "string") {
    holder[name] = RESPELL[random(RESPELL.length)]!(value);
  } else {
    marks.push(ODD_VALUES[random(ODD_VALUES.length)]!);
    holder[name] = `\u0001${marks.length - 1}`;
  }
}

/** Every member of every object and array. Arrays are holders too: their names are their indices. */
function placesIn(document: object): readonly Place[] {
  const places: Place[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const holder = value as Record<string, unknown>;
    for (const name of Object.keys(holder)) {
      places.push({ holder, name });
      look(holder[name]);
    }
  };
  look(document);
  return places;
}
