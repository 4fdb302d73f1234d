/** `adyton agent init` and `build`: a project becomes the same program wherever it lies. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildProgram } from "../../../cli/agent/build-program.ts";
import { createAgentProject } from "../../../cli/agent/create-project.ts";
import { readInput, readProject } from "../../../cli/agent/project.ts";
import { watchProject } from "../../../cli/agent/watch.ts";
import { parseProgram } from "../../../protocol/agent-program.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { runProgram } from "../../../runtime/agents/run-loop.ts";
import { codeOf } from "../../support/code-of.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "adyton-agent-"));
  folder = join(parent, "judge");
  createAgentProject(folder);
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

const change = (file: string, from: string, to: string): void => {
  const path = join(folder, file);
  const before = readFileSync(path, "utf8");
  expect(before).toContain(from);
  writeFileSync(path, before.replace(from, to));
};

test("a project has the program's interface as types, to the byte", () => {
  expect(readFileSync(join(folder, "agent.d.ts"), "utf8")).toBe(
    readFileSync(join(ROOT, "runtime/agents/program-api.ts"), "utf8"),
  );
  expect(existsSync(join(folder, ".gitignore"))).toBe(true);
  expect(readFileSync(join(folder, "README.md"), "utf8")).not.toContain("ADYTON");
});

test("nothing is overwritten", () => {
  expect(codeOf(() => createAgentProject(folder))).toBe("INPUT_INVALID");
});

test("two copies of a project build the same program, which has no imports", async () => {
  const other = join(parent, "elsewhere", "deeper");
  cpSync(folder, other, { recursive: true });
  const one = await buildProgram(readProject(folder));
  const two = await buildProgram(readProject(other));
  expect(two.program.hash).toBe(one.program.hash);
  expect(parseProgram(one.file).source).not.toMatch(/^import /m);
  change("src/question.ts", "public forum", "private forum");
  expect((await buildProgram(readProject(folder))).program.hash).not.toBe(one.program.hash);
});

test("what is built loads in the sandbox, and is called", async () => {
  const { program } = await buildProgram(readProject(folder));
  const asked: string[] = [];
  const end = await runProgram(
    loadSandbox().image,
    {
      source: program.source,
      input: JSON.stringify(readInput(readProject(folder), undefined)),
      terms: JSON.stringify({
        run: { id: "0x01", program: "0x02", now: 1, trigger: "http" },
        seed: `0x${"ab".repeat(32)}`,
        left: { calls: 4, feeWei: "0", seconds: 1 },
      }),
      now: 1,
      gas: 100_000_000n,
      memoryBytes: 32 * 1024 * 1024,
      calls: 4,
      openCalls: 4,
      endsOnHostFailure: false,
    },
    ({ op }) => {
      asked.push(op);
      const failure = { ok: false, code: "REFUSED", message: "no", hostCausable: false };
      return Promise.resolve({
        text: JSON.stringify({ ...failure, left: { feeWei: "0", seconds: 1 } }),
        isHostFailure: false,
      });
    },
  );
  expect([end.outcome, asked, end.logs]).toEqual(["threw", ["model"], ['["judging",32,"characters"]']]);
});

describe("a project that cannot be built is refused", () => {
  const built = async (): Promise<string> => {
    try {
      await buildProgram(readProject(folder));
      return "built";
    } catch (error) {
      const { code, message } = error as { readonly code: string; readonly message: string };
      return `${code}: ${message}`;
    }
  };

  test("with the place, for what is no TypeScript", async () => {
    change("src/question.ts", "return {", "return {{");
    expect(await built()).toMatch(/^INPUT_INVALID: src\/question\.ts:5:\d+: /);
  });
  test("for a module of Node's, which no sandbox has", async () => {
    change("src/agent.ts", "const main", 'import "node:fs";\nconst main');
    expect(await built()).toMatch(/^INPUT_INVALID: src\/agent\.ts:\d+:\d+: .*node:fs/);
  });
  test("for a manifest with an unknown field", async () => {
    change("agent.json", '"models"', '"model"');
    expect(await built()).toMatch(/^INPUT_INVALID: .*agent\.json/);
  });
  test("for an entry outside of the project", async () => {
    change("agent.json", "src/agent.ts", "../agent.ts");
    expect(await built()).toMatch(/^INPUT_INVALID: agent\.json: entry/);
  });
});

test("an input is JSON of the command line, or a file's", () => {
  const project = readProject(folder);
  expect(readInput(project, '{"text":"x"}')).toEqual({ text: "x" });
  expect(readInput(project, join(folder, "input.json"))).toEqual(readInput(project, undefined));
  expect(codeOf(() => readInput(project, join(folder, "missing.json")))).toBe("INPUT_NOT_FOUND");
});

test("watching runs at once, and again after a change", async () => {
  const ending = new AbortController();
  let runs = 0;
  await watchProject(
    folder,
    () => {
      runs += 1;
      if (runs === 1) writeFileSync(join(folder, ".gitignore"), "build/\n");
      else ending.abort();
      return Promise.resolve();
    },
    ending.signal,
  );
  expect(runs).toBe(2);
});
