import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { gunzip, isGzip } from "../../../attestation/encoding/gzip.ts";
import { concatBytes } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const MEBIBYTE = 1024 * 1024;
const zip = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(gzipSync(bytes));

test.for([0, 1, 1_023, 1_024, 100_000])("gives back %i bytes", (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 7919) >> 3);
  expect(isGzip(zip(bytes))).toBe(true);
  expect(gunzip(zip(bytes), { bytesLeft: 100_000 })).toEqual(bytes);
});

/** As many bytes as its last four say, whatever stands between. */
function lengthAgain(extra: number): Uint8Array {
  const length = 0x0101;
  const whole = concatBytes(zip(new Uint8Array(length)), new Uint8Array(extra));
  new DataView(whole.buffer).setUint32(whole.length - 4, length, true);
  return whole;
}

/** The last bytes before its length are missing, in which the checksum is. */
function cutBefore(missing: number): Uint8Array {
  const whole = zip(new Uint8Array(300));
  return concatBytes(whole.subarray(0, -missing), whole.subarray(-4));
}

describe("refuses", () => {
  const some = zip(Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7919) >> 3));

  test.for<readonly [string, Uint8Array]>([
    ["a byte more than it may", zip(new Uint8Array(MEBIBYTE + 1))],
    ["a bomb", zip(new Uint8Array(256 * MEBIBYTE))],
  ])("to unpack %s", ([, bytes]) => {
    expect(codeOf(() => gunzip(bytes, { bytesLeft: MEBIBYTE }))).toBe("EVIDENCE_UNSUPPORTED");
  });

  test.for<readonly [string, Uint8Array]>([
    ["what is cut off", some.subarray(0, -9)],
    ["what ends in its head", some.subarray(0, 5)],
    ["what has more after it", concatBytes(some, Uint8Array.of(1, 2, 3))],
    ["two members", concatBytes(some, some)],
    ["two members whose last length is that of both", concatBytes(zip(new Uint8Array()), some)],
    ["zeros after what is empty", concatBytes(zip(new Uint8Array()), new Uint8Array(3))],
    ["the head of another member", concatBytes(some, some.subarray(0, 10))],
    ...[1, 2, 3, 4, 5, 9, 10, 11, 18].map(
      (extra) => [`${extra} bytes more, whose last are the length again`, lengthAgain(extra)] as const,
    ),
    ["a checksum that is cut off", cutBefore(8)],
    ["no gzip", Uint8Array.of(1, 2, 3)],
    ["nothing", new Uint8Array()],
  ])("%s", ([, bytes]) => {
    expect(codeOf(() => gunzip(bytes, { bytesLeft: MEBIBYTE }))).toBe("EVIDENCE_MALFORMED");
  });
});

describe("takes from what is left of the budget", () => {
  const spent = (bytes: Uint8Array): number => {
    const budget = { bytesLeft: 4 * MEBIBYTE };
    codeOf(() => gunzip(bytes, budget));
    return 4 * MEBIBYTE - budget.bytesLeft;
  };
  const bomb = zip(new Uint8Array(MEBIBYTE));

  test("what it unpacked, whole or damaged", () => {
    expect(spent(bomb)).toBe(MEBIBYTE);
    expect(spent(bomb.with(bomb.length - 5, bomb[bomb.length - 5]! ^ 1))).toBe(MEBIBYTE);
    expect(spent(concatBytes(bomb.subarray(0, -4), Uint8Array.of(0, 0, 32, 0)))).toBe(MEBIBYTE);
    expect(spent(Uint8Array.of(1, 2, 3))).toBe(0);
  });

  test("and no more than it claims to be, and one step", () => {
    const sixteen = zip(new Uint8Array(16 * MEBIBYTE));
    const claimsNothing = concatBytes(sixteen.subarray(0, -4), new Uint8Array(4));
    expect(spent(claimsNothing)).toBeLessThan(2 * MEBIBYTE);
  });

  test("and unpacks nothing once it is spent", () => {
    expect(codeOf(() => gunzip(bomb, { bytesLeft: -1 }))).toBe("EVIDENCE_UNSUPPORTED");
  });
});
