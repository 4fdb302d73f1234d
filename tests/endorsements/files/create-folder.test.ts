/** Rule: a folder that a person names is there afterwards, or is refused with its name; nothing waits forever. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolder } from "../../../endorsements/files/create-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-folder-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("makes a folder and those above it, and leaves one that is there", () => {
  const deep = join(folder, "a/b/../c");
  createFolder(deep);
  writeFileSync(join(deep, "kept"), "");
  createFolder(deep);
  expect(existsSync(join(folder, "a/c/kept"))).toBe(true);
});

test("takes a link to a folder for a folder", () => {
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  createFolder(join(folder, "link/inner"));
  expect(statSync(join(folder, "real/inner")).isDirectory()).toBe(true);
});

// Below /proc Node's own recursive mkdir never returns.
test.for([
  ["below /proc", "/proc/nope", "/proc/nope"],
  ["deep below /proc", "/proc/nope/deeper/still", "/proc/nope"],
  ["below a process", "/proc/self/nope/x", "/proc/self/nope"],
  ["below a device", "/dev/null/x", "/dev/null"],
] as const)("refuses a folder %s", ([, path, named]) => {
  expect(() => {
    createFolder(path);
  }).toThrow(
    expect.objectContaining({ code: "INPUT_INVALID", message: expect.stringContaining(named) as string }),
  );
});

test("refuses a folder that is a file, and one below it", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "x")]) {
    expect(() => {
      createFolder(path);
    }).toThrow(
      expect.objectContaining({
        code: "INPUT_INVALID",
        message: `cannot make the folder ${file}: it is a file`,
      }),
    );
  }
});
