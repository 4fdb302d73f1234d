import { expect, test } from "vitest";
import { printable, wrap } from "../../cli/terminal.ts";

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

test("what others said is printed without what a terminal would obey", () => {
  expect(printable("fine\u001b[2J\u001b[HGenuine, and accepted.\r\nnext\tline")).toBe(
    "fine[U+001B][2J[U+001B][HGenuine, and accepted.[U+000D]\nnext\tline",
  );
  expect(printable("a\u202eb\u009bc")).toBe("a[U+202E]b[U+009B]c");
  expect(printable("grüße 👩‍🚀")).toBe("grüße 👩‍🚀");
});
