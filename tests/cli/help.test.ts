/** Rule: the help of every command fits a terminal of 80 columns, and loses no word by it. */

import type { Command } from "commander";
import { expect, test } from "vitest";
import { registerCommands } from "../../cli/commands.ts";
import { createProgram } from "../../cli/program.ts";
import { fold } from "../../cli/terminal.ts";

/** What each command prints as its help, by its name. */
function helpTexts(columns: number): ReadonlyMap<string, string> {
  let printed = "";
  const add = (text: string): void => void (printed += text);
  const program = createProgram({ columns, out: add, err: add });
  registerCommands(program);
  const texts = new Map<string, string>();
  const visit = (command: Command, name: string): void => {
    printed = "";
    command.outputHelp();
    texts.set(name, printed);
    for (const inner of command.commands) visit(inner, `${name} ${inner.name()}`);
  };
  visit(program, "adyton");
  return texts;
}

const narrow = helpTexts(80);
const wide = helpTexts(10_000);

test("there is help of every command", () => {
  expect(narrow.size).toBeGreaterThan(40);
});

test.for([...narrow])("%s", ([name, text]) => {
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  const words = (of: string): string => of.replaceAll(/\\?\s+/gu, "");
  expect(words(text)).toBe(words(wide.get(name) ?? ""));
});

test.for([
  ["a sentence that is too long", 20, "a sentence that is\ntoo long"],
  ["  0  an item that is too long", 20, "  0  an item that is\n     too long"],
  ["  adyton verify a-file.json --json", 24, "  adyton verify \\\n    a-file.json --json"],
  ["short\nlines stay", 20, "short\nlines stay"],
  ["averylongwordthatcannotbebroken", 20, "averylongwordthatcannotbebroken"],
] as const)("%j in %i columns", ([text, columns, folded]) => {
  expect(fold(text, columns)).toBe(folded);
});
