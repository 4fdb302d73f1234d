import { describe, expect, test } from "vitest";
import { recogniseEvidence, verifyEvidence } from "../../../attestation/evidence.ts";
import {
  parseIntelEndorsements,
  verifyIntelEndorsements,
} from "../../../attestation/intel/intel-endorsements.ts";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import { verifyRaTlsCertificate } from "../../../attestation/ra-tls/verify-ra-tls.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl } from "../../../attestation/x509/crl.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

/** One bit of every byte; which one is fixed by the byte's place, so that all eight take their turn. */
function flipped(bytes: Uint8Array, at: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy[at]! ^= 1 << ((at * 5) % 8);
  return copy;
}

describe("any bit flipped is refused", () => {
  test("in a quote's header and body, its signature, its key, and the QE report and its signature", async () => {
    const { quote, endorsements } = await mintFakeIntel();
    const context = { endorsements: endorsements(), now: NOW, trust: FAKE_TRUST };
    // Bytes 8 to 12 and 28 to 48 of the header are reserved and user data: signed, and so refused like the rest.
    const end = 48 + 584 + 4 + 128 + 6 + 384 + 64;
    const accepted: number[] = [];
    for (let at = 0; at < end; at += 1) {
      const code = await rejectionOf(() => verifyTdQuote("tdx", flipped(quote, at), context));
      expect(code).not.toMatch(/^not ours/);
      if (code === "nothing thrown") accepted.push(at);
    }
    expect(accepted).toEqual([]);
  });

  test("in TCB info and QE identity, wherever it leaves them readable", async () => {
    const { collateral } = await mintFakeIntel();
    for (const name of ["tcb_info", "qe_identity"]) {
      const text = String(collateral[name]);
      for (let at = 0; at < text.length; at += 3) {
        const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
        const code = await rejectionOf(async () => {
          await verifyIntelEndorsements(
            parseIntelEndorsements({ ...collateral, [name]: changed }),
            FAKE_TRUST.anchor,
            NOW,
          );
        });
        expect(code).toMatch(/^ENDORSEMENT_/);
      }
    }
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
