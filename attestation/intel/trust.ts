import type { Hex } from "../../protocol/bytes.ts";
import { createTrustAnchor, type TrustAnchor } from "../x509/trust-anchor.ts";

/** Whose quotes are judged: one root key and the quoting enclaves under it. */
export interface QuoteTrust {
  readonly anchor: TrustAnchor;
  readonly qeVendorId: Hex;
}

/**
 * Intel SGX Root CA. Its certificate, in either of the two issues seen in quotes (2016 and 2018), is at
 * https://certificates.trustedservices.intel.com/IntelSGXRootCA.der.
 */
export const INTEL_TRUST: QuoteTrust = {
  anchor: createTrustAnchor(
    "Intel SGX Root CA",
    "0x3059301306072a8648ce3d020106082a8648ce3d030107034200040ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f567918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394",
  ),
  /** Intel SGX ECDSA Quote Library API, A.4: Intel's quoting enclaves. */
  qeVendorId: "0x939a7233f79c4ca9940a0db3957f0607",
};
