import { describe, expect, test } from "vitest";
import {
  parseIntelEndorsements,
  verifyIntelEndorsements,
} from "../../../attestation/intel/intel-endorsements.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl } from "../../../attestation/x509/crl.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { bitsFlippedOf, flipBits, NOT_RELIED_ON } from "../../support/bits/flip-bits.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../support/fake-intel.ts";

const latin1 = new TextDecoder("latin1");
/** Documents are signed as text, and signatures of them travel in hex, of which either case is read. */
const asText = {
  toBytes: (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0)),
  fromBytes: (bytes: Uint8Array): string => latin1.decode(bytes),
};
const asHex = {
  toBytes: (text: string): Uint8Array => fromHex(`0x${text}`),
  fromBytes: (bytes: Uint8Array): string => toHex(bytes).slice(2),
};

describe("any bit flipped in what Intel signed is refused", () => {
  test.for([
    ["tcb_info", asText],
    ["tcb_info_signature", asHex],
    ["qe_identity", asText],
    ["qe_identity_signature", asHex],
  ] as const)("in %s", async ([name, { toBytes, fromBytes }], { annotate }) => {
    const { collateral } = await mintFakeIntel();
    const genuine = toBytes(String(collateral[name]));
    const { flipped, accepted, codes } = await flipBits(genuine, async (changed) => {
      const endorsements = parseIntelEndorsements({ ...collateral, [name]: fromBytes(changed) });
      await verifyIntelEndorsements(endorsements, FAKE_TRUST.anchor, NOW);
    });
    await annotate(`${flipped} bits flipped, one at a time, each through reading and verifying all of them`);
    expect(flipped).toBe(bitsFlippedOf(genuine.length));
    expect(accepted).toEqual([]);
    expect(codes.filter((code) => !code.startsWith("ENDORSEMENT_"))).toEqual([]);
    expect(codes).toContain("ENDORSEMENT_SIGNATURE_INVALID");
  });

  /**
   * Judged without a second copy of anything. A root's certificate with another key is a stranger, and the path does
   * without: the pinned key signed the CA, and needs no certificate.
   */
  test.for(["pck", "pckCa", "root", "root_ca_crl", "pck_crl"] as const)(
    "in the PCK path's %s",
    async (name, { annotate }) => {
      const { certificates, collateral } = await mintFakeIntel();
      const crl = (field: string): Uint8Array<ArrayBuffer> => fromHex(`0x${String(collateral[field])}`);
      const genuine = { ...certificates, root_ca_crl: crl("root_ca_crl"), pck_crl: crl("pck_crl") };
      const { flipped, accepted, codes } = await flipBits(genuine[name], async (changed) => {
        const parts = { ...genuine, [name]: changed };
        const [leaf, ca, root] = [parts.pck, parts.pckCa, parts.root].map(parseCertificate);
        const path = await verifyPath(leaf!, {
          pool: [ca!, root!],
          roots: [FAKE_TRUST.anchor],
          now: NOW,
          revocation: { crls: [parts.root_ca_crl, parts.pck_crl].map(parseCrl) },
        });
        return path.certificates.includes(root!) ? undefined : NOT_RELIED_ON;
      });
      await annotate(`${flipped} bits flipped, one at a time, each through the whole path`);
      expect(flipped).toBe(bitsFlippedOf(genuine[name].length));
      expect(accepted).toEqual([]);
      expect(codes.filter((code) => !/^(EVIDENCE|ENDORSEMENT)_/.test(code))).toEqual(
        name === "root" ? [NOT_RELIED_ON] : [],
      );
    },
  );
});
