import { expect, test } from "vitest";
import { wrap } from "../../cli/terminal.ts";

test.for([
  ["a line that fits", "name  one two", "name  one two"],
  ["words that do not fit", "name  one two three four five", "name  one two three\n      four five"],
  ["a word longer than a line", `name  ${"x".repeat(30)} y`, `name\n      ${"x".repeat(30)}\n      y`],
] as const)("%s keeps its words whole", ([, text, wrapped]) => {
  expect(wrap(text, 6, 20)).toBe(wrapped);
});

test("prose that goes to a file is not broken", () => {
  const text = "word ".repeat(60);
  expect(wrap(text, 6, undefined)).toBe(text);
});
