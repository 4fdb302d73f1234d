import { expect, test } from "vitest";
import { terminalRecording } from "../../tools/plots/terminal-recording.ts";

const linesOf = (svg: string): string[] =>
  [...svg.matchAll(/<text class="line"[^>]*>([^<]*)</g)].map(([, text]) => text ?? "");

test("folds a long line between words, as far in as it began, and one without spaces anyway", () => {
  const words = `  ${"word ".repeat(30).trim()}`;
  const folded = linesOf(terminalRecording("demo", [{ at: 0, text: words }]));
  expect(folded).toHaveLength(2);
  expect(folded.every((line) => line.startsWith("  word") && line.length <= 100)).toBe(true);
  expect(folded.map((line) => line.trim()).join(" ")).toBe(words.trim());
  expect(linesOf(terminalRecording("demo", [{ at: 0, text: "x".repeat(250) }])).join("")).toBe(
    "x".repeat(250),
  );
  expect(linesOf(terminalRecording("demo", [{ at: 0, text: "" }]))).toEqual([""]);
});

test("takes nothing that was printed for markup", () => {
  const svg = terminalRecording("demo <x>", [{ at: 1, text: '<script src="x">&' }]);
  expect(svg).not.toMatch(/<script|<x>/);
});
