import { QuoteVerifier } from "@phala/dcap-qvl";
import { parseIntelEndorsements } from "../../attestation/intel/intel-endorsements.ts";
import { verifySgxQuoteUnder } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import { createP256Signer } from "../../enclave/attesters/simulator/signer.ts";
import { FAKE_TRUST, mintFakeIntel, NOW } from "../../tests/support/fake-intel.ts";
import type { Subject } from "./measure.ts";

const QUOTES = 400;

/** Quotes of one platform model, each from a chip of its own: PCK key, certificate and attestation key are new. */
export async function intelSubject(tee: "sgx" | "tdx"): Promise<Subject> {
  const minted = await Promise.all(
    Array.from({ length: QUOTES }, async (_, index) => {
      const pck = createP256Signer(`bench PCK ${index}`);
      const signers = { pck, attestation: createP256Signer(`bench attestation key ${index}`) };
      const serial = `0x${(0x1000 + index).toString(16)}` as const;
      return await mintFakeIntel({ tee, signers, pck: { spki: pck.spki, serial } });
    }),
  );
  const quotes = minted.map(({ quote }) => quote);
  const [first] = minted;
  if (first === undefined) throw new Error("no quotes");
  const { collateral, certificates } = first;
  const judge = async (
    index: number,
    endorsements: ReturnType<typeof parseIntelEndorsements>,
  ): Promise<void> => {
    const quote = quotes[index] ?? new Uint8Array();
    const context = { endorsements, now: NOW, trust: FAKE_TRUST };
    if (tee === "tdx") await verifyTdQuote("tdx", quote, context);
    else await verifySgxQuoteUnder(FAKE_TRUST, quote, context);
  };
  const kept = parseIntelEndorsements(collateral);
  const peer = QuoteVerifier.newWithRootCa(Buffer.from(certificates.root));
  return {
    batch: 80,
    quotes: QUOTES,
    cold: async (index) => {
      await judge(index, parseIntelEndorsements(collateral));
    },
    warm: async (index) => {
      await judge(index, kept);
    },
    peer: async (index) => {
      peer.verify(quotes[index] ?? new Uint8Array(), collateral as never, NOW);
      await Promise.resolve();
    },
    fresh: { curve: "P-256", underKnownKey: 1, underNewKey: 2 },
  };
}
