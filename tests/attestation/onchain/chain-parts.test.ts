/** What the vectors do not show: chains of other forms, under a root of our own. */

import { expect, test } from "vitest";
import { toOnChainRoot } from "../../../attestation/onchain/root.ts";
import { encodeTdxEvidence } from "../../../attestation/onchain/tdx-evidence.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { joinChain } from "../../../enclave/attesters/simulator/certificate-writer.ts";
import { der } from "../../../enclave/attesters/simulator/der-writer.ts";
import type { P256Signer } from "../../../enclave/attesters/simulator/signer.ts";
import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { KEYS, mintFakeIntel } from "../../support/fake-intel.ts";

const encode = (quote: Uint8Array<ArrayBuffer>) => encodeTdxEvidence(quote, { intermediate: "include" });

test("an SGX quote is not for the chain", async () => {
  const { quote } = await mintFakeIntel({ tee: "sgx" });
  expect(codeOf(() => encode(quote))).toBe("EVIDENCE_UNSUPPORTED");
});

test("a chain needs its PCK certificate and the CA that it names, in any order", async () => {
  const reordered = await mintFakeIntel({ chain: ({ pck, pckCa, root }) => joinChain(root, pckCa, pck) });
  expect(codeOf(() => encode(reordered.quote))).toBe("nothing thrown");
  const alone = await mintFakeIntel({ chain: ({ pck }) => joinChain(pck) });
  const leafless = await mintFakeIntel({ chain: ({ pckCa, root }) => joinChain(pckCa, root) });
  for (const { quote } of [alone, leafless]) expect(codeOf(() => encode(quote))).toBe("EVIDENCE_MALFORMED");
});

/** FIPS 186-5: the order of P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Signs with the other of the two s that say the same. */
const highS: P256Signer = {
  ...KEYS.pckCa,
  sign: (data) => {
    const raw = KEYS.pckCa.signRaw(data);
    const s: Hex = `0x${(ORDER - BigInt(toHex(raw.subarray(32)))).toString(16).padStart(64, "0")}`;
    return der.sequence(der.unsigned(raw.subarray(0, 32)), der.unsigned(fromHex(s)));
  },
};

test("a certificate's signature goes to the chain with the lower s, whichever it has", async () => {
  const low = await mintFakeIntel();
  const high = await mintFakeIntel({ signers: { pckCa: highS } });
  expect(high.certificates.pck).not.toEqual(low.certificates.pck);
  expect(encode(high.quote)).toEqual(encode(low.quote));
});

test("a root for the chain is its key's coordinates and its name's hash", async () => {
  const { certificates } = await mintFakeIntel();
  const { x, y } = toOnChainRoot(parseCertificate(certificates.root));
  expect(x + y.slice(2)).toBe(toHex(KEYS.root.coordinates));
});
