import { describe, expect, test } from "vitest";
import { ByteReader } from "../../../attestation/encoding/byte-reader.ts";
import { isAllZero, readBigUint, readField, readUint } from "../../../attestation/encoding/layout.ts";
import { codeOf } from "../../support/code-of.ts";

const BYTES = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

describe("fields of a layout", () => {
  test("are read where the table says, little-endian", () => {
    expect(readField(BYTES, { at: 2, length: 3 })).toEqual(Uint8Array.of(3, 4, 5));
    expect(readUint(BYTES, { at: 0, length: 6 })).toBe(0x060504030201);
    expect(readBigUint(BYTES, { at: 0, length: 8 })).toBe(0x0807060504030201n);
  });

  test("are refused where the input ends before they do", () => {
    expect(codeOf(() => readField(BYTES, { at: 6, length: 3 }))).toBe("EVIDENCE_MALFORMED");
    expect(readField(BYTES, { at: 6, length: 2 })).toEqual(Uint8Array.of(7, 8));
  });

  test("are all zero or not, to the last byte", () => {
    expect([isAllZero(new Uint8Array(9)), isAllZero(Uint8Array.of(0, 0, 1))]).toEqual([true, false]);
  });
});

describe("a reader", () => {
  test("moves on by what it reads", () => {
    const reader = new ByteReader(BYTES);
    expect([reader.uint8(), reader.uint16le(), reader.uint24le(), reader.offset, reader.remaining]).toEqual([
      1, 0x0302, 0x060504, 6, 2,
    ]);
    expect(reader.uint16be()).toBe(0x0708);
    expect(
      codeOf(() => {
        reader.expectEnd("structure");
      }),
    ).toBe("nothing thrown");
  });

  test("reads integers of four bytes in both orders", () => {
    expect([new ByteReader(BYTES).uint32le(), new ByteReader(BYTES).uint32be()]).toEqual([
      0x04030201, 0x01020304,
    ]);
  });

  test("refuses to pass the end, and to leave bytes behind", () => {
    expect(codeOf(() => new ByteReader(BYTES).bytes(9))).toBe("EVIDENCE_MALFORMED");
    expect(
      codeOf(() => {
        new ByteReader(BYTES).expectEnd("structure");
      }),
    ).toBe("EVIDENCE_MALFORMED");
  });
});
