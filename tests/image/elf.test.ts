import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadedPart } from "../../image/elf.ts";

const HEADER = 64;
const SEGMENT = 56;

/** A header, a table of segments, content for them, and sections behind. */
function program(segments: readonly (readonly [offset: number, bytes: number])[], length: number): Buffer {
  const file = Buffer.alloc(length, 0xaa);
  file.fill(0, 0, HEADER + segments.length * SEGMENT);
  file.write("\x7fELF\x02\x01\x01", "latin1");
  file.writeBigUInt64LE(BigInt(HEADER), 32);
  file.writeBigUInt64LE(BigInt(length - 10), 40);
  file.writeUInt16LE(SEGMENT, 54);
  file.writeUInt16LE(segments.length, 56);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(3, 60);
  file.writeUInt16LE(2, 62);
  for (const [index, [offset, bytes]] of segments.entries()) {
    file.writeBigUInt64LE(BigInt(offset), HEADER + index * SEGMENT + 8);
    file.writeBigUInt64LE(BigInt(bytes), HEADER + index * SEGMENT + 32);
  }
  return file;
}

describe("what a loader maps of a program", () => {
  test("ends with the segment that ends last, and names no sections", () => {
    const whole = program(
      [
        [0, 300],
        [400, 500],
        [420, 10],
      ],
      2_000,
    );
    const part = Buffer.from(loadedPart(whole));
    expect(part.length).toBe(900);
    expect(part.readBigUInt64LE(40)).toBe(0n);
    expect([part.readUInt16LE(60), part.readUInt16LE(62)]).toEqual([0, 0]);
    const same = Buffer.from(part);
    whole.copy(same, 40, 40, 48);
    whole.copy(same, 60, 60, 64);
    expect(same.equals(whole.subarray(0, 900))).toBe(true);
  });

  test("is taken of a copy: what was given stays", () => {
    const whole = program([[0, 200]], 300);
    const before = Buffer.from(whole);
    loadedPart(whole);
    expect(whole.equals(before)).toBe(true);
  });

  test("of a program that has nothing else is its own", () => {
    const once = loadedPart(program([[0, 200]], 300));
    expect(Buffer.from(loadedPart(once)).equals(Buffer.from(once))).toBe(true);
  });

  const changed = (at: number, value: number): Buffer => {
    const file = program([[0, 200]], 300);
    file[at] = value;
    return file;
  };
  test.for<readonly [string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a header cut short", program([[0, 200]], 300).subarray(0, 63)],
    ["another file", Buffer.alloc(300, 1)],
    ["a program of 32 bits", changed(4, 1)],
    ["big-endian", changed(5, 2)],
    ["no segments", program([], 300)],
    ["segments of another size", changed(54, 32)],
    ["a table beyond the end", changed(33, 9)],
    ["a table that no file can have", changed(39, 0xff)],
    ["a segment beyond the end", program([[200, 101]], 300)],
    ["a segment that no file can have", changed(HEADER + 15, 0xff)],
  ])("%s is refused", ([, file]) => {
    expect(() => loadedPart(file)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });

  test.runIf(process.platform === "linux" && process.arch === "x64")("runs as the whole does", () => {
    const folder = mkdtempSync(join(tmpdir(), "adyton-elf-"));
    try {
      const path = join(folder, "node");
      const whole = readFileSync(process.execPath);
      writeFileSync(path, loadedPart(whole));
      chmodSync(path, 0o755);
      const said = execFileSync(path, ["--print", "process.version"], { encoding: "utf8" });
      expect(said.trim()).toBe(process.version);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
