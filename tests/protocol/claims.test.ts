import { AbiCoder, id, keccak256 } from "ethers";
import { decode } from "cborg";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import * as p from "../../protocol/index.ts";
import { codeOf } from "../support/code-of.ts";
import * as arbitrary from "../support/protocol-arbitraries.ts";

const claims = fc.record({
  nonce: arbitrary.bytes32,
  keysetId: arbitrary.bytes32,
  tlsKeyHash: arbitrary.bytes32,
});

test("decoding what was encoded is the identity", () => {
  fc.assert(
    fc.property(claims, (each) => {
      expect(p.decodeClaims(p.encodeClaims(each))).toEqual(each);
    }),
  );
});

test("a CBOR library reads the map, in strict deterministic form", () => {
  fc.assert(
    fc.property(claims, (each) => {
      const bytes = p.encodeClaims(each);
      expect(bytes).toHaveLength(p.CLAIMS_BYTES);
      const map = decode(bytes, { useMaps: true, strict: true, rejectDuplicateMapKeys: true }) as Map<
        string,
        Uint8Array
      >;
      expect([...map.keys()]).toEqual(["nonce", "keyset", "pubkey-hash"]);
      expect(p.toHex(map.get("nonce")!)).toBe(each.nonce);
      expect(p.toHex(map.get("keyset")!)).toBe(each.keysetId);
      expect(decode(map.get("pubkey-hash")!)).toEqual([1, p.fromHex(each.tlsKeyHash)]);
    }),
  );
});

const sample = p.encodeClaims({
  nonce: p.keccakText("nonce"),
  keysetId: p.keccakText("keyset"),
  tlsKeyHash: p.keccakText("tls"),
});

test("refuses every change of the template, every truncation and every addition", () => {
  const values = [9, 50, 100].map((at) => ({ from: at, to: at + 32 }));
  for (let at = 0; at < sample.length; at++) {
    const changed = sample.slice();
    changed[at]! ^= 1;
    const isValue = values.some(({ from, to }) => at >= from && at < to);
    expect({ at, code: codeOf(() => p.decodeClaims(changed)) }).toEqual({
      at,
      code: isValue ? "nothing thrown" : "EVIDENCE_MALFORMED",
    });
    expect(codeOf(() => p.decodeClaims(sample.subarray(0, at)))).toBe("EVIDENCE_MALFORMED");
  }
  expect(codeOf(() => p.decodeClaims(p.concatBytes(sample, new Uint8Array(1))))).toBe("EVIDENCE_MALFORMED");
});

test("report data is the claims' SHA-256 and 32 zero bytes", () => {
  const hash = createHash("sha256").update(sample).digest("hex");
  expect(p.toHex(p.claimsReportData(sample))).toBe(`0x${hash}${"00".repeat(32)}`);
});

test("an admission's nonce equals ethers' abi.encode, and every part of it counts", () => {
  const context = {
    chainId: 10n,
    registry: `0x${"ab".repeat(20)}` as const,
    blockNumber: 7n,
    blockHash: p.keccakText("block"),
  };
  const typehash = id("Admission(uint256 chainId,address registry,uint256 blockNumber,bytes32 blockHash)");
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["bytes32", "uint256", "address", "uint256", "bytes32"],
    [typehash, ...Object.values(context)],
  );
  expect(p.admissionNonce(context)).toBe(keccak256(encoded));
  const others = [
    { chainId: 11n },
    { registry: `0x${"ac".repeat(20)}` as const },
    { blockNumber: 8n },
    { blockHash: p.keccakText("other") },
  ];
  const nonces = others.map((change) => p.admissionNonce({ ...context, ...change }));
  expect(new Set([p.admissionNonce(context), ...nonces]).size).toBe(5);
});
