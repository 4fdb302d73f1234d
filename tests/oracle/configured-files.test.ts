import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OracleConfig } from "../../oracle/config.ts";
import { readAdminToken, readAppraisalPolicy, readConsoleToken } from "../../oracle/configured-files.ts";
import { codeOf } from "../support/code-of.ts";

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
])("an appraisal policy that %s is a wrong configuration", ([, content]) => {
  const config = configOf(content);
  expect(codeOf(() => readAppraisalPolicy(config))).toBe("CONFIG_INVALID");
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
