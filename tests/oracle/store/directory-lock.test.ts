import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDirectoryLock } from "../../../oracle/store/directory-lock.ts";
import { openStore } from "../../../oracle/store/store.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adyton-lock-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("a directory is locked for one owner until it lets go", () => {
  const first = createDirectoryLock(directory);
  expect(() => createDirectoryLock(directory)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  first.release();
  createDirectoryLock(directory).release();
});

test("an embedded store whose directory has an owner is not opened", async () => {
  const owner = createDirectoryLock(directory);
  await expect(openStore({ kind: "pglite", path: directory })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  });
  owner.release();
});
