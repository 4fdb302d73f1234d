/** Runs the commands of examples/evidence/README.md, and compares README.md's output with what the command prints. */

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runAdyton } from "../support/adyton-command.ts";

const read = async (path: string): Promise<string> =>
  await readFile(new URL(`../../${path}`, import.meta.url), "utf8");

const page = await read("examples/evidence/README.md");
const commands = [...page.matchAll(/^adyton (.*?) +# exit (\d+)$/gm)].map(
  ([, command = "", status = ""]) => [command, Number(status)] as const,
);

test("the page promises something of each command", () => {
  expect(commands.length).toBeGreaterThanOrEqual(8);
});

test.for(commands)("adyton %s exits with %i", async ([command, status]) => {
  const { code, stdout } = await runAdyton(command.split(/\s+/));
  expect(code).toBe(status);
  expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
});

test("README.md shows what the command prints", async () => {
  const [, command = "", shown = ""] =
    /npm run -s adyton -- (verify examples\/evidence.*?)\n```\n\n```\n([^]*?)```/.exec(
      await read("README.md"),
    ) ?? [];
  const { stdout } = await runAdyton(command.split(/\s+/));
  expect(shown.length).toBeGreaterThan(400);
  expect(stdout.startsWith(shown)).toBe(true);
});
