import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadOracleConfig, type OracleConfig } from "../../oracle/config.ts";
import { readAdminToken, readAppraisalPolicy, readConsoleToken } from "../../oracle/configured-files.ts";
import { codeOf } from "../support/code-of.ts";

const ACCEPTING = readFileSync(
  join(import.meta.dirname, "../../examples/evidence/simulated-policy.json"),
  "utf8",
).trim();
const BYTE_ORDER_MARK = "\ufeff";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adyton-files-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function configOf(content: string | null): OracleConfig {
  const file = join(directory, "file");
  if (content !== null) writeFileSync(file, content);
  return { appraisalPolicy: file, http: { adminTokenFile: file } } as unknown as OracleConfig;
}

test.for<[string, string | null]>([
  ["is missing", null],
  ["is no JSON", "{"],
  ["is no policy", '{"simulator": true}'],
  ["says one thing twice", `{${ACCEPTING.slice(1, -1)},"version":3}`],
])("an appraisal policy that %s is a wrong configuration", ([, content]) => {
  const config = configOf(content);
  expect(codeOf(() => readAppraisalPolicy(config))).toBe("CONFIG_INVALID");
});

test("an appraisal policy is taken as every other command takes it, also from an editor that marks its bytes", () => {
  expect(readAppraisalPolicy(configOf(ACCEPTING)).version).toBeGreaterThan(0);
  expect(readAppraisalPolicy(configOf(BYTE_ORDER_MARK + ACCEPTING))).toEqual(
    readAppraisalPolicy(configOf(ACCEPTING)),
  );
});

test.for<[string, string, RegExp]>([
  ["is no JSON", "{", /file cannot be read as JSON/],
  [
    "says one thing twice",
    '{"enclaves":[{"url":"https://a","url":"https://b"}]}',
    /enclaves\[0\]\.url stands there twice/,
  ],
  ["lacks what it needs", "{}", /the oracle's configuration is wrong:/],
])("a configuration that %s is told with its file or place", async ([, content, told]) => {
  const file = join(directory, "file");
  for (const mark of ["", BYTE_ORDER_MARK]) {
    writeFileSync(file, mark + content);
    await expect(loadOracleConfig(file)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(told) as string,
    });
  }
});

test.for<[string, string | null]>([
  ["is missing", null],
  ["is short", "fifteen letters\n"],
])("an admin token that %s is a wrong configuration", ([, content]) => {
  const config = configOf(content);
  expect(codeOf(() => readAdminToken(config))).toBe("CONFIG_INVALID");
});

test("an admin token ends at the line's end; without a file there is none", () => {
  expect(readAdminToken(configOf("sixteen letters!\n"))).toBe("sixteen letters!");
  expect(readAdminToken({ http: {} } as unknown as OracleConfig)).toBeUndefined();
});

function consoleConfig(token: string, admin: string | null): OracleConfig {
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    http: admin === null ? {} : { adminTokenFile: write("admin", admin) },
    console: { tokenFile: write("console", token) },
  } as unknown as OracleConfig;
}

test("the console has a token of its own: the admin's, which stops the node, opens no console", () => {
  const admin = "an admin's token of some length";
  expect(readConsoleToken(consoleConfig("a console's token\n", admin))).toBe("a console's token");
  expect(readConsoleToken(consoleConfig("a console's token\n", null))).toBe("a console's token");
  expect(codeOf(() => readConsoleToken(consoleConfig(`${admin}\n`, admin)))).toBe("CONFIG_INVALID");
  expect(codeOf(() => readConsoleToken(consoleConfig("short", admin)))).toBe("CONFIG_INVALID");
  expect(readConsoleToken({ http: {} } as unknown as OracleConfig)).toBeUndefined();
});
