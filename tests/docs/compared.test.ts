/** docs/explanation/compared.md: each sentence about somebody names a source, and each source has a day. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const page = readFileSync(join(import.meta.dirname, "../../docs/explanation/compared.md"), "utf8");
const [, body = "", list = ""] = /## At a glance\n([\s\S]*?)\n## Sources\n([\s\S]*)$/.exec(page) ?? [];
const DEFINITION = /^\[([^\]]+)\]: (\S+) "([^"]+)"$/gm;
const sources = new Map([...list.matchAll(DEFINITION)].map(([, name, , date]) => [name, date ?? ""]));

const named = (text: string): readonly string[] =>
  [...text.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name ?? "");

/** Rows of the table, points of lists, and sentences of paragraphs. A sentence ends with its sources and a full stop. */
const statements: readonly string[] = body
  .split(/\n\s*\n/)
  .filter((block) => !block.startsWith("#") && block.trim() !== "")
  .flatMap((block) => {
    if (block.startsWith("|")) return block.split("\n").slice(2);
    return block
      .split(/\n(?=- )/)
      .flatMap((item) => item.replaceAll(/\s+/g, " ").split(/(?<=[.]) (?=[A-Z][a-z])/))
      .filter((sentence) => sentence.trim() !== "");
  });

test("each statement names a source that the list has", () => {
  expect(statements.length).toBeGreaterThan(25);
  for (const statement of statements) {
    const names = named(statement).filter((name) => sources.has(name));
    expect(names, statement).not.toEqual([]);
    expect(named(statement), statement).toEqual(names);
  }
});

test("each source has a day, and is used", () => {
  expect(sources.size).toBeGreaterThan(8);
  for (const [name, date] of sources) {
    expect(date, name).toMatch(/\b2026-\d\d-\d\d\b/);
    expect(named(body), name).toContain(name);
    expect(list).toContain(`- [${name}]: ${date}`);
  }
});
