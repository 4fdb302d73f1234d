import { describe, expect, test } from "vitest";
import { addSections, authenticodeDigest, sectionInMemory } from "../../image/pe.ts";
import { readUki, writeUki } from "../../image/uki.ts";
import { toHex, toUtf8 } from "../../protocol/bytes.ts";
import { twinKernel, twinProgram } from "./support/vectors.ts";

const program = twinProgram({ ".text": "code", ".data": "data" });

describe("the Authenticode digest", () => {
  const of = (file: Uint8Array): string => toHex(authenticodeDigest(file, "sha256"));

  test("leaves out checksum and certificate entry, and nothing else", () => {
    const leftOut = new Set([...range(0x98 + 64, 4), ...range(0x98 + 112 + 32, 8)]);
    for (let at = 0; at < program.length; at += 1) {
      // Sizes and offsets may make it no program at all.
      const changed = new Uint8Array(program);
      changed[at] = (changed[at] ?? 0) ^ 1;
      let digest: string;
      try {
        digest = of(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: "INPUT_INVALID" });
        continue;
      }
      const same = digest === of(program);
      // The size of the certificate table decides where the file ends.
      if (at < 0x98 + 112 + 32 + 4 || at >= 0x98 + 112 + 32 + 8)
        expect(same, `byte ${at}`).toBe(leftOut.has(at));
    }
  });

  test("covers what stands after the last section", () => {
    expect(of(twinProgram({ ".text": "code" }, "tail1234"))).not.toBe(
      of(twinProgram({ ".text": "code" }, "tail1235")),
    );
  });

  test.for([0, 1, 0x40, 0x84, 0x98, 200, 400, 1000])("refuses a file that ends at %i", (length) => {
    expect(() => of(program.subarray(0, length))).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

function range(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

describe("sections added to a stub", () => {
  test("are read back whole, whatever their length, and leave those before them", () => {
    for (const length of [0, 1, 511, 512, 513, 5000]) {
      const content = new Uint8Array(length).fill(7);
      const whole = addSections(program, [
        [".first", content],
        [".second", toUtf8("2")],
      ]);
      expect(sectionInMemory(whole, ".first")).toEqual(Buffer.from(content));
      expect(Buffer.from(sectionInMemory(whole, ".second")!).toString()).toBe("2");
      expect(Buffer.from(sectionInMemory(whole, ".text")!).toString()).toBe("code");
    }
  });

  test("are refused where the headers have no room", () => {
    const many = Array.from({ length: 20 }, (_, index) => [`.s${index}`, new Uint8Array(1)] as const);
    expect(() => addSections(program, many)).toThrow("no room");
  });
});

describe("a unified kernel image", () => {
  test("holds kernel, initrd and command line", () => {
    const files = { kernel: twinKernel(), initrd: toUtf8("an initrd"), cmdline: "panic=-1" };
    const read = readUki(writeUki(program, files));
    expect(Buffer.from(read.kernel).equals(Buffer.from(files.kernel))).toBe(true);
    expect(Buffer.from(read.initrd).toString()).toBe("an initrd");
    expect(read.cmdline).toBe("panic=-1");
  });

  test("is refused without one of them", () => {
    expect(() => readUki(program)).toThrow("it has no section .linux");
  });
});
