import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test.for<[string, (folder: string) => string, RegExp]>([
  [
    "whose folder cannot be made",
    (folder) => {
      writeFileSync(join(folder, "file"), "");
      return join(folder, "file", "store");
    },
    /may not make it in .*file/,
  ],
  [
    "that cannot be written",
    (folder) => {
      mkdirSync(join(folder, "owner.lock"));
      return folder;
    },
    /cannot be written by this user/,
  ],
])("a directory %s is nobody else's, and said to be the operator's to mend", ([, prepare, message]) => {
  const path = prepare(directory);
  expect(() => createDirectoryLock(path)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringMatching(message) as string }),
  );
});

test.for(["/proc/nope/store", "/dev/null/store"])(
  "a directory that cannot be made is named: %s",
  async (path) => {
    await expect(openStore({ kind: "pglite", path })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(/may not make it in \/(proc|dev)/) as string,
    });
  },
);
