import { describe, expect, test } from "vitest";
import { readEif, writeEif } from "../../image/eif.ts";
import { toUtf8 } from "../../protocol/bytes.ts";

const parts = {
  kernel: toUtf8("a kernel"),
  cmdline: "console=ttyS0",
  ramdisks: [toUtf8("first"), toUtf8("second")],
};

describe("a Nitro enclave image", () => {
  test("is read as it was written", () => {
    const read = readEif(writeEif(parts));
    expect(Buffer.from(read.kernel).toString()).toBe("a kernel");
    expect(read.cmdline).toBe(parts.cmdline);
    expect(read.ramdisks.map((ramdisk) => Buffer.from(ramdisk).toString())).toEqual(["first", "second"]);
  });

  test("has version 4 and as many sections as parts, each where the header says", () => {
    const bytes = Buffer.from(writeEif(parts));
    expect([bytes.toString("latin1", 0, 4), bytes.readUInt16BE(4), bytes.readUInt16BE(26)]).toEqual([
      ".eif",
      4,
      5,
    ]);
    const types = Array.from({ length: 5 }, (_, index) =>
      bytes.readUInt16BE(Number(bytes.readBigUInt64BE(28 + index * 8))),
    );
    expect(types).toEqual([1, 2, 5, 3, 3]);
  });

  test.for([
    ["another start", 0],
    ["another header", 10],
    ["another byte of its content", 600],
    ["another checksum", 545],
  ] as const)("is refused with %s", ([, at]) => {
    const bytes = writeEif(parts);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(() => readEif(bytes)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });

  test("is refused at every length that cuts it short", () => {
    const bytes = writeEif(parts);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => readEif(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "INPUT_INVALID" }),
      );
    }
  });
});
