/** Claims as rows: one for each claim that says something; those that say nothing share the last. */

/** Characters of a value shown: 64 bytes of report data in hex; longer ones are in the JSON. */
const MAX_VALUE_LENGTH = 130;

export type ClaimRow = readonly [name: string, value: string];

export function claimRows(claims: Readonly<Record<string, unknown>>): readonly ClaimRow[] {
  const all = flatten(claims, "");
  const silent = all.filter(([, value]) => isSilent(value)).map(([name]) => name);
  const rows = all
    .filter(([, value]) => !isSilent(value))
    .map(([name, value]): ClaimRow => [name, truncate(value)]);
  return silent.length === 0 ? rows : [...rows, ["zero or absent", silent.join(", ")]];
}

/** `hardware.mrTd` for a claim inside of another. */
function flatten(value: unknown, name: string): readonly (readonly [name: string, value: unknown])[] {
  if (typeof value !== "object" || value === null) return [[name, value]];
  const prefix = name === "" ? "" : `${name}.`;
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, `${prefix}${key}`));
}

function isSilent(value: unknown): boolean {
  return value === null || (typeof value === "string" && /^(?:0x0*)?$/.test(value));
}

function truncate(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
