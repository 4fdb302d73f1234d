import { describe, expect, test } from "vitest";
import { recogniseEvidence } from "../../../attestation/evidence/recognise-evidence.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { verifySgxQuoteUnder } from "../../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl } from "../../../attestation/x509/crl.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import { concatBytes, toUtf8 } from "../../../protocol/bytes.ts";
import { bitsFlippedOf, flipBits } from "../../support/bits/flip-bits.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";

/** Up to certification data: header, body, signature, attestation key, QE report, its signature, authentication data. */
const SIGNED = { "TDX 1.0": 48 + 584, "TDX 1.5": 48 + 6 + 648, SGX: 48 + 384 } as const;
const SIGNATURES_AND_QE = 64 + 64 + 384 + 64 + 2 + 32;

describe("any bit flipped in a quote is refused", () => {
  test.for([
    ["TDX 1.0", { tee: "tdx", version: 4 }, 1252],
    ["TDX 1.5", { tee: "tdx", version: 5, bodyType: "td15" }, 1322],
    ["SGX", { tee: "sgx", version: 3 }, 1046],
  ] as const)("of %s", async ([body, change, bytes], { annotate }) => {
    const { quote, endorsements } = await mintFakeIntel(change);
    const context = { endorsements: endorsements(), now: NOW, trust: FAKE_TRUST };
    // From version 4 on, 6 bytes say that certification data of type 6 follows, and how long it is.
    const lengths = 4 + (change.version === 3 ? 0 : 6);
    const end = SIGNED[body] + lengths + SIGNATURES_AND_QE;
    const { flipped, accepted, codes } = await flipBits(quote.subarray(0, end), async (head) => {
      const changed = concatBytes(head, quote.subarray(end));
      await (body === "SGX"
        ? verifySgxQuoteUnder(FAKE_TRUST, changed, context)
        : verifyTdQuote("tdx", changed, context));
    });
    await annotate(`${flipped} bits flipped, one at a time, each through the whole verifier`);
    expect({ flipped, accepted, codes }).toEqual({
      flipped: bitsFlippedOf(bytes),
      accepted: [],
      codes: [
        "EVIDENCE_BINDING_MISMATCH",
        "EVIDENCE_MALFORMED",
        "EVIDENCE_SIGNATURE_INVALID",
        "EVIDENCE_UNSUPPORTED",
      ],
    });
  });
});

describe("a megabyte of nothing but structure ends at once, in an error of ours", () => {
  const MEGABYTE = 1024 * 1024;
  /** Every length is right: sequences inside sequences down to the last byte. */
  function nestedDer(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(MEGABYTE);
    for (let at = 0; at + 6 <= MEGABYTE; at += 6) {
      bytes.set([0x30, 0x84], at);
      new DataView(bytes.buffer).setUint32(at + 2, MEGABYTE - at - 6);
    }
    return bytes;
  }

  test.for<readonly [string, Uint8Array<ArrayBuffer>]>([
    ["nested DER", nestedDer()],
    ["nested CBOR arrays", new Uint8Array(MEGABYTE).fill(0x81)],
    ["nested CBOR maps", new Uint8Array(MEGABYTE).fill(0xa1)],
    ["nested JSON", toUtf8("[".repeat(MEGABYTE))],
    ["zeros", new Uint8Array(MEGABYTE)],
  ])("%s", async ([, bytes]) => {
    const before = process.cpuUsage();
    const attempts: readonly (() => unknown)[] = [
      () => verifyEvidence(bytes, {}, { now: NOW }),
      () => verifyRaTlsCertificate(bytes, {}, { now: NOW }),
      () => recogniseEvidence(bytes),
      () => parseCertificate(bytes),
      () => parseCrl(bytes),
    ];
    for (const attempt of attempts) {
      const error = await Promise.resolve()
        .then(attempt)
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(AdytonError);
    }
    // Processor time, and generous: the bound is on the order of growth, not on this machine or its other work.
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(5);
  });
});
