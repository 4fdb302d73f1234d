import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const page = read("docs/explanation/life-of-a-request.md");

const arrows = [...page.matchAll(/^ {2}(\S+) --> (\S+?)(?:: (\S+))?$/gm)].map(([, from, to, file]) => ({
  from: from!,
  to: to!,
  file,
}));
const states = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].filter((state) => state !== "[*]");

test("the drawing has the phases that the store has, and a row says what holds in each", () => {
  const [, union] = /export type RequestPhase = ([^;]+);/.exec(read("oracle/store/schema.ts")) ?? [];
  const phases = [...(union ?? "").matchAll(/"(\w+)"/g)].map(([, phase]) => phase!);
  expect(phases.length).toBeGreaterThan(4);
  expect(states.toSorted()).toEqual(phases.toSorted());
  expect([...page.matchAll(/^\| `(\w+)`/gm)].map(([, phase]) => phase)).toEqual(phases);
});

test("each arrow names a file that is there, and that changes what the phase follows from", () => {
  const moved = arrows.filter(({ to }) => to !== "[*]");
  expect(moved.length).toBeGreaterThan(states.length);
  for (const { from, to, file } of moved) {
    expect(file, `${from} --> ${to}`).toBeDefined();
    expect(existsSync(join(ROOT, file!)), file).toBe(true);
    expect(read(file!), `${file} moves a request`).toMatch(/refreshPhases|phase: of/);
  }
});
