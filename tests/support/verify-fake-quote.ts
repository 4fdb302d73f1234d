/** A quote of `fake-intel.ts`, verified under its own root. */

import { verifySgxQuoteUnder } from "../../attestation/intel/verify-sgx.ts";
import { verifyTdQuote } from "../../attestation/intel/verify-tdx.ts";
import { FAKE_TRUST, mintFakeIntel, NOW, type FakeIntelChange } from "./fake-intel.ts";

export async function verifyFakeQuote(change: FakeIntelChange, now = NOW) {
  const fake = await mintFakeIntel(change);
  const context = { endorsements: fake.endorsements(), now, trust: FAKE_TRUST };
  return change.tee === "sgx"
    ? await verifySgxQuoteUnder(FAKE_TRUST, fake.quote, context)
    : await verifyTdQuote("tdx", fake.quote, context);
}
