import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { OracleConfig } from "../../oracle/config.ts";
import { readAdminToken, readAppraisalPolicy } from "../../oracle/configured-files.ts";
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
