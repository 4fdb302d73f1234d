import { describe, expect, test } from "vitest";
import { DerReader, TAG } from "../../../attestation/asn1/der-reader.ts";
import {
  readSmallInteger,
  toBitStringBytes,
  toBoolean,
  toOid,
  toSmallInteger,
  toTime,
  toUnsigned,
} from "../../../attestation/asn1/der-values.ts";
import { der } from "../../../enclave/attesters/simulator/der-writer.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

describe("a DER reader", () => {
  test.for<readonly [string, Uint8Array<ArrayBuffer>]>([
    ["nothing", bytes()],
    ["a tag alone", bytes(0x30)],
    ["an indefinite length", bytes(0x30, 0x80, 0, 0)],
    ["a length of five bytes", bytes(0x30, 0x85, 0, 0, 0, 0, 1, 0)],
    ["a long form for a short length", bytes(0x30, 0x81, 0x01, 0x00)],
    ["a length with a leading zero", bytes(0x30, 0x82, 0x00, 0x80, ...new Array<number>(128).fill(0))],
    ["a length past the end", bytes(0x30, 0x05, 0, 0)],
    ["a length cut off", bytes(0x30, 0x82, 0x01)],
    ["a tag number above 30", bytes(0x1f, 0x81, 0x00)],
  ])("refuses %s", ([, input]) => {
    expect(codeOf(() => new DerReader(input).readAny())).toBe("EVIDENCE_MALFORMED");
  });

  test("refuses another tag than asked for, and bytes left over", () => {
    expect(codeOf(() => new DerReader(der.integer(1)).readSequence())).toBe("EVIDENCE_MALFORMED");
    expect(
      codeOf(() => {
        new DerReader(der.integer(1)).end();
      }),
    ).toBe("EVIDENCE_MALFORMED");
  });

  test("reads what the writer writes, whatever its length", () => {
    for (const length of [0, 1, 127, 128, 255, 256, 70_000]) {
      const content = new Uint8Array(length).fill(7);
      const reader = new DerReader(der.octetString(content));
      expect(reader.read(TAG.octetString).content).toEqual(content);
      expect(reader.done).toBe(true);
    }
  });

  test("reads one level of a megabyte of nesting and no more", () => {
    const nested = new Uint8Array(1024 * 1024).fill(0x30);
    expect(codeOf(() => new DerReader(nested).readSequence().readSequence())).toBe("EVIDENCE_MALFORMED");
  });
});

describe("object identifiers", () => {
  test.for(["1.2.840.113741.1.13.1.2.18", "2.5.29.15", "2.23.133.5.4.9", "0.9.2342", "2.999.3"])(
    "%s",
    (dotted) => {
      expect(toOid(new DerReader(der.oid(dotted)).read(TAG.oid).content)).toBe(dotted);
    },
  );

  test.for<readonly [string, Uint8Array]>([
    ["empty", bytes()],
    ["longer than any in use", new Uint8Array(65).fill(1)],
    ["with an arc in a longer form", bytes(0x2a, 0x80, 0x01)],
    ["with an arc beyond exact numbers", bytes(0x2a, ...new Array<number>(9).fill(0xff), 0x7f)],
    ["that ends inside an arc", bytes(0x2a, 0x86)],
  ])("refuses one %s", ([, content]) => {
    expect(codeOf(() => toOid(content))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("values", () => {
  test.for<readonly [string, () => unknown]>([
    ["an empty integer", () => toUnsigned(bytes())],
    ["a negative integer", () => toUnsigned(bytes(0x80))],
    ["an integer with a needless zero", () => toUnsigned(bytes(0, 0x7f))],
    ["a number of five bytes", () => toSmallInteger(bytes(1, 2, 3, 4, 5))],
    ["a boolean of two bytes", () => toBoolean(bytes(0xff, 0xff))],
    ["a boolean that is neither", () => toBoolean(bytes(1))],
    ["a bit string with unused bits", () => toBitStringBytes(bytes(1, 0xfe))],
    [
      "a time with a fraction",
      () => toTime({ tag: TAG.generalizedTime, content: toUtf8("20250101000000.5Z"), raw: bytes() }),
    ],
    [
      "a time without a zone",
      () => toTime({ tag: TAG.utcTime, content: toUtf8("250101000000"), raw: bytes() }),
    ],
    [
      "a time under another tag",
      () => toTime({ tag: TAG.utf8String, content: toUtf8("250101000000Z"), raw: bytes() }),
    ],
    [
      "a time with a letter among its digits",
      () => toTime({ tag: TAG.utcTime, content: toUtf8("25010l000000Z"), raw: bytes() }),
    ],
    [
      "a time with a sign among its digits",
      () => toTime({ tag: TAG.utcTime, content: toUtf8("2501-1000000Z"), raw: bytes() }),
    ],
    [
      "the year 50",
      () => toTime({ tag: TAG.generalizedTime, content: toUtf8("00500101000000Z"), raw: bytes() }),
    ],
    ["31 February", () => toTime({ tag: TAG.utcTime, content: toUtf8("250231000000Z"), raw: bytes() })],
    ["hour 24", () => toTime({ tag: TAG.utcTime, content: toUtf8("250101240000Z"), raw: bytes() })],
    ["minute 60", () => toTime({ tag: TAG.utcTime, content: toUtf8("250101006000Z"), raw: bytes() })],
    ["second 60", () => toTime({ tag: TAG.utcTime, content: toUtf8("250101000060Z"), raw: bytes() })],
  ])("refuse %s", ([, call]) => {
    expect(codeOf(call)).toBe("EVIDENCE_MALFORMED");
  });

  test("read integers with and without a sign byte", () => {
    expect(readSmallInteger(new DerReader(der.integer(0)))).toBe(0);
    expect(readSmallInteger(new DerReader(der.integer(255)))).toBe(255);
    expect(readSmallInteger(new DerReader(der.integer(0xffffffff)))).toBe(0xffffffff);
  });

  test("read two-digit years as RFC 5280 does: 49 is 2049, 50 is 1950", () => {
    const year = (text: string) =>
      new Date(toTime({ tag: TAG.utcTime, content: toUtf8(text), raw: bytes() }) * 1000).getUTCFullYear();
    expect([year("491231235959Z"), year("500101000000Z")]).toEqual([2049, 1950]);
    expect(toTime(new DerReader(der.time(2_600_000_000)).readAny())).toBe(2_600_000_000);
    expect([toBoolean(bytes(0)), toBoolean(bytes(0xff))]).toEqual([false, true]);
  });
});
