import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { INTEL_TRUST } from "../../../attestation/intel/trust.ts";
import { INTEL_ON_CHAIN_ROOT } from "../../../attestation/onchain/root.ts";
import { encodeTdxEvidence } from "../../../attestation/onchain/tdx-evidence.ts";
import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

function readVector(name: string): Record<string, Hex> {
  const url = new URL(`../../vectors/protocol/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Record<string, Hex>;
}

const quote = fromHex(readVector("simulator-quote")["quote"]!);
const vector = readVector("tdx-evidence");

test("encodes a quote byte for byte as the contract's tests are given it", () => {
  expect(toHex(encodeTdxEvidence(quote, { intermediate: "include" }))).toBe(vector["evidence"]);
  expect(toHex(encodeTdxEvidence(quote, { intermediate: "omit" }))).toBe(
    vector["evidenceWithoutIntermediate"],
  );
});

test("leaves the intermediate out when the contract knows it", () => {
  const full = encodeTdxEvidence(quote, { intermediate: "include" });
  const short = encodeTdxEvidence(quote, { intermediate: "omit" });
  expect(full.length - short.length).toBeGreaterThan(200);
});

test("names Intel's root by the key that the verifier off chain pins", () => {
  const point = INTEL_ON_CHAIN_ROOT.x.slice(2) + INTEL_ON_CHAIN_ROOT.y.slice(2);
  expect(INTEL_TRUST.anchor.publicKey.spkiHex.endsWith(point)).toBe(true);
});

test.for([
  ["a truncated quote", quote.subarray(0, 700), "EVIDENCE_MALFORMED"],
  ["a quote of another version", quote.with(0, 9), "EVIDENCE_UNSUPPORTED"],
  ["a quote of SGX", quote.with(4, 0), "EVIDENCE_MALFORMED"],
] as const)("refuses %s", ([, bytes, code]) => {
  expect(codeOf(() => encodeTdxEvidence(new Uint8Array(bytes), { intermediate: "include" }))).toBe(code);
});
