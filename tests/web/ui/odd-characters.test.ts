import { expect, test } from "vitest";
import { oddRuns } from "../../../web/ui/odd-characters.ts";

const boxes = (text: string): readonly string[] => oddRuns(text).flatMap(({ odd }) => odd ?? []);

test.for([
  ["a letter of another script inside a Latin word", "harm\u0456ess", ["U+0456 \u0456"]],
  ["what turns the direction of text", "safe\u202Eexe", ["U+202E"]],
  ["what is invisible", "pay\u200Bpal", ["U+200B"]],
  ["control characters", "a\u0000b\u001b[31m", ["U+0000", "U+001B"]],
  ["a tag character behind a letter", "x\u{E0041}", ["U+E0041"]],
] as const)("names %s", ([, text, expected]) => {
  expect(boxes(text)).toEqual(expected);
});

test.for([
  "Is water wet?",
  "Привет, мир",
  "καλημέρα κόσμε",
  "naïve café, 25 °C\n\ttabs and lines",
  "日本語とEnglish",
])("leaves %j as it is", (text) => {
  expect(boxes(text)).toEqual([]);
  expect(oddRuns(text)).toEqual([{ text, odd: null }]);
});

test("loses nothing", () => {
  const text = "h\u0456 \u202Eabc\u200b";
  expect(
    oddRuns(text)
      .map((run) => run.text)
      .join(""),
  ).toBe(text);
});
