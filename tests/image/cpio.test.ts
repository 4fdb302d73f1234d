import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { writeCpio, type CpioEntry } from "../../image/cpio.ts";
import { toUtf8 } from "../../protocol/bytes.ts";

const file = (path: string, text: string): CpioEntry => ({ path, mode: 0o100444, content: toUtf8(text) });

/** Headers of the archive: 110 bytes, the name, the content, each padded to four (cpio(5), "new ASCII format"). */
function read(archive: Uint8Array): { path: string; fields: number[]; text: string }[] {
  const found = [];
  for (let at = 0; ;) {
    const text = (from: number, length: number): string =>
      Buffer.from(archive.subarray(from, from + length)).toString("latin1");
    expect(text(at, 6)).toBe("070701");
    const fields = Array.from({ length: 13 }, (_, index) => Number.parseInt(text(at + 6 + index * 8, 8), 16));
    const [nameSize = 0, size = 0] = [fields[11], fields[6]];
    const path = text(at + 110, nameSize - 1);
    if (path === "TRAILER!!!") return found;
    const content = Math.ceil((at + 110 + nameSize) / 4) * 4;
    found.push({ path, fields, text: text(content, size) });
    at = Math.ceil((content + size) / 4) * 4;
  }
}

describe("an initramfs archive", () => {
  test("has its entries sorted, with the folders above them, owned by root, at time zero", () => {
    const entries = read(writeCpio([file("b/c/d", "two"), file("a", "one")]));
    expect(entries.map(({ path, text }) => [path, text])).toEqual([
      ["a", "one"],
      ["b", ""],
      ["b/c", ""],
      ["b/c/d", "two"],
    ]);
    for (const { fields } of entries) expect([fields[2], fields[3], fields[5]]).toEqual([0, 0, 0]);
    expect(entries.map(({ fields }) => fields[1]?.toString(8))).toEqual([
      "100444",
      "40755",
      "40755",
      "100444",
    ]);
  });

  test("is the same whatever the order of its entries", () => {
    const entries = [file("x", "1"), file("y/z", "22"), file("y/a", "333")];
    expect(writeCpio(entries)).toEqual(writeCpio(entries.toReversed()));
    expect(writeCpio(entries).length % 512).toBe(0);
  });

  test("refuses a path that is there twice", () => {
    expect(() => writeCpio([file("a", "1"), file("a", "2")])).toThrow("a is in the archive twice");
  });

  test.skipIf(spawnSync("cpio", ["--version"]).status !== 0)("is read by cpio", () => {
    const listed = spawnSync("cpio", ["-t"], { input: writeCpio([file("a/b", "1")]) });
    expect(listed.stdout.toString().split("\n")).toEqual(["a", "a/b", ""]);
  });
});
