import { expect, test } from "vitest";
import { x25519 } from "@noble/curves/ed25519.js";
import { readersAmong } from "../../../oracle/enclaves/readers.ts";
import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";
import { sealPayload } from "../../../protocol/sealed-payload.ts";

const member = (byte: string): { readonly keysetId: Hex } => ({ keysetId: `0x${byte.repeat(32)}` });
const members = [member("03"), member("01"), member("02")];

function sealedTo(...bytes: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  return sealPayload(Uint8Array.of(1, 1), {
    recipients: bytes.map((byte) => ({
      ...member(byte),
      sealingKey: toHex(x25519.keygen().publicKey),
    })),
    context: {
      chainId: 1n,
      coordinator: `0x${"c0".repeat(20)}`,
      consumer: `0x${"aa".repeat(20)}`,
      policyId: `0x${"11".repeat(32)}`,
    },
    replyKey: `0x${"00".repeat(32)}`,
  });
}

test("a question in clear is everybody's", () => {
  expect(readersAmong(members, fromHex("0x0101"))).toEqual(members);
});

test("a sealed question is its recipients', in the order of assignment", async () => {
  expect(readersAmong(members, await sealedTo("01", "03"))).toEqual([member("03"), member("01")]);
});

test("a question sealed to keysets that are gone is nobody's", async () => {
  expect(readersAmong(members, await sealedTo("09"))).toEqual([]);
});

test("one that is no sealed question, though it says so, may be judged by anyone", () => {
  expect(readersAmong(members, fromHex("0x0401abcdef"))).toEqual(members);
});
