import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readBounded } from "../../../endorsements/files/read-bounded.ts";
import { codeOf } from "../../support/code-of.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-bounded-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function written(name: string, length: number): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    Uint8Array.from({ length }, (_, index) => index),
  );
  return path;
}

describe("a file that somebody named", () => {
  test.for([0, 1, 65_536, 65_537, 65_538, 200_000])("of %i bytes is read whole", (length) => {
    const bytes = readBounded(written(`${length}`, length));
    expect(bytes).toEqual(Uint8Array.from({ length }, (_, index) => index));
  });

  test("may have as many bytes as it may, and not one more", () => {
    expect(readBounded(written("most", 100), 100)).toHaveLength(100);
    expect(codeOf(() => readBounded(written("more", 101), 100))).toBe("INPUT_TOO_LARGE");
  });

  test("that never ends is counted while it is read", () => {
    expect(codeOf(() => readBounded("/dev/zero", 1_000_000))).toBe("INPUT_TOO_LARGE");
    const link = join(folder, "link");
    symlinkSync("/dev/zero", link);
    expect(codeOf(() => readBounded(link, 1_000_000))).toBe("INPUT_TOO_LARGE");
  });

  test("that says it is empty, and is not, is read: /proc has such", () => {
    expect(readBounded("/proc/self/status").length).toBeGreaterThan(0);
  });

  test.for([
    ["that is not there", "nowhere", "there is no such file"],
    ["that is a folder", "", "it is a folder, and one file is wanted"],
    ["under a file", "most/deeper", "a part of its path is a file, and no folder"],
  ] as const)("%s is the caller's mistake, with the reason", ([, name, reason]) => {
    written("most", 1);
    const path = join(folder, name);
    expect(() => readBounded(path)).toThrow(
      expect.objectContaining({ code: "INPUT_NOT_FOUND", message: `cannot read ${path}: ${reason}` }),
    );
  });
});
