import { describe, expect, test } from "vitest";
import { mrTd } from "../../image/tdx-mrtd.ts";
import { toHex } from "../../protocol/bytes.ts";

interface Section {
  readonly data: number;
  readonly address: bigint;
  readonly size: bigint;
  /** Bit 0: extended; bit 1: not added, but accepted by the guest. */
  readonly attributes: number;
}

/** Two pages where the order of adding and extending is what differs. */
const TWO_PAGES: Section = { data: 0, address: 0xffff_c000n, size: 0x2000n, attributes: 1 };
const BOOT: Section = { data: 0, address: 0xffff_e000n, size: 0x1000n, attributes: 1 };
const STACK: Section = { data: 0, address: 0x81_0000n, size: 0x1000n, attributes: 0 };
const HOB: Section = { data: 0, address: 0x80_9000n, size: 0x2000n, attributes: 2 };

/** The end of a TDVF: its descriptor in the second page. */
function twin(sections: readonly Section[] = [BOOT, STACK, HOB], fill = 0x5a): Uint8Array {
  const firmware = Buffer.alloc(8192, fill);
  firmware.write("TDVF", 4096, "latin1");
  firmware.writeUInt32LE(16 + sections.length * 32, 4100);
  firmware.writeUInt32LE(1, 4104);
  firmware.writeUInt32LE(sections.length, 4108);
  sections.forEach(({ data, address, size, attributes }, index) => {
    const at = 4112 + index * 32;
    firmware.writeUInt32LE(data, at);
    firmware.writeUInt32LE(Number(size & 0xffff_ffffn), at + 4);
    firmware.writeBigUInt64LE(address, at + 8);
    firmware.writeBigUInt64LE(size, at + 16);
    firmware.writeUInt32LE(0, at + 24);
    firmware.writeUInt32LE(attributes, at + 28);
  });
  return new Uint8Array(firmware);
}

const of = (file: Uint8Array, order: Parameters<typeof mrTd>[1] = "page by page"): string =>
  toHex(mrTd(file, order));

describe("MRTD of a firmware of our own", () => {
  test("has a value", () => {
    expect(of(twin())).toBe(TWIN);
  });

  test.for<[string, Uint8Array]>([
    ["another byte of a measured section", twin(undefined, 0x5b)],
    ["another place in memory", twin([{ ...BOOT, address: 0xffff_d000n }, STACK, HOB])],
    ["another order of its sections", twin([STACK, BOOT, HOB])],
    ["a section less", twin([BOOT, HOB])],
    ["a section that is added and not measured any more", twin([{ ...BOOT, attributes: 0 }, STACK, HOB])],
  ])("is another one with %s", ([, file]) => {
    expect(of(file)).not.toBe(of(twin()));
  });

  test("depends on whether the host adds all pages before it extends them", () => {
    const file = twin([TWO_PAGES]);
    expect(of(file, "add, then extend")).not.toBe(of(file));
  });

  test("a section that the guest accepts itself is in none", () => {
    expect(of(twin([BOOT, STACK]))).toBe(of(twin()));
  });

  test.for<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no descriptor", new Uint8Array(8192)],
    ["a descriptor at its very end", new Uint8Array(Buffer.from(`${"x".repeat(100)}TDVF`))],
    ["no section", twin([])],
    ["a section that is not in it", twin([{ ...BOOT, data: 8000 }])],
    ["a section of half a page", twin([{ ...STACK, size: 0x800n }])],
    ["a section of more than there is", twin([{ ...STACK, size: 0x1_0000_0000n }])],
  ])("is refused for a file with %s", ([, file]) => {
    expect(() => of(file)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

/** Computed by another program from the same description. */
const TWIN =
  "0xe70442749bc1fac0fff33f9eed5dfabee121bac5f6a21d6ccf2e026bf10c3a7be36516a73f6bc96e33037350024a286b";
