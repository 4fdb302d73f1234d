import { describe, expect, test } from "vitest";
import { decodeMessagePack, type MessagePackLimits } from "../../../attestation/encoding/message-pack.ts";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const LIMITS: MessagePackLimits = { maxBytes: 1_024, maxDepth: 3, maxItems: 20 };

describe("decodes", () => {
  test.for<readonly [string, Hex, unknown]>([
    ["a positive fixint", "0x7f", 127],
    ["a negative fixint", "0xe0", -32],
    ["nil", "0xc0", null],
    ["false", "0xc2", false],
    ["true", "0xc3", true],
    ["a uint8", "0xccff", 255],
    ["a uint16", "0xcd0100", 256],
    ["a uint32", "0xceffffffff", 0xffffffff],
    ["a uint64", "0xcf0000000100000000", 2 ** 32],
    ["an int8", "0xd080", -128],
    ["an int16", "0xd1ffff", -1],
    ["an int32", "0xd280000000", -(2 ** 31)],
    ["an int64", "0xd3ffffffffffffffff", -1],
    ["bin8", "0xc4020102", Uint8Array.of(1, 2)],
    ["bin16", "0xc5000101", Uint8Array.of(1)],
    ["bin32", "0xc60000000101", Uint8Array.of(1)],
    ["a fixstr", "0xa161", "a"],
    ["str8", "0xd90161", "a"],
    ["str16", "0xda000161", "a"],
    ["str32", "0xdb0000000161", "a"],
    ["a fixarray", "0x920102", [1, 2]],
    ["array16", "0xdc00020102", [1, 2]],
    ["array32", "0xdd0000000101", [1]],
    ["a fixmap", "0x81a16101", new Map([["a", 1]])],
    ["map16", "0xde0001a16101", new Map([["a", 1]])],
    ["map32", "0xdf00000001a16101", new Map([["a", 1]])],
    ["as deep as it may be", "0x919190", [[[]]]],
  ])("%s", ([, hex, value]) => {
    expect(decodeMessagePack(fromHex(hex), LIMITS)).toEqual(value);
  });
});

describe("refuses", () => {
  test.for<readonly [string, Hex]>([
    ["nothing", "0x"],
    ["two values", "0x0101"],
    ["the format that is never used", "0xc1"],
    ["a float", "0xca00000000"],
    ["an extension", "0xd40100"],
    ["an integer of 64 bits", "0xcfffffffffffffffff"],
    ["an integer below -2^53", "0xd38000000000000000"],
    ["text that is not UTF-8", "0xa1ff"],
    ["text that ends too early", "0xa2ff"],
    ["a key that is no text", "0x810101"],
    ["a key that is named twice", "0x82a16101a16102"],
    ["an array that claims four billion values", "0xddffffffff"],
    ["a map that claims four billion values", "0xdfffffffff"],
    ["bytes that claim four billion", "0xc6ffffffff00"],
    ["one level too many", "0x91919190"],
    ["a value too many", `0xdc0014${"01".repeat(20)}`],
    ["more bytes than it may have", `0xc50400${"00".repeat(1_024)}`],
  ])("%s", ([, hex]) => {
    expect(codeOf(() => decodeMessagePack(fromHex(hex), LIMITS))).toBe("EVIDENCE_MALFORMED");
  });
});
