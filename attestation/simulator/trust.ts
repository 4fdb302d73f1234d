import { parseIntelEndorsements } from "../intel/intel-endorsements.ts";
import type { QuoteTrust } from "../intel/trust.ts";
import { createTrustAnchor } from "../x509/trust-anchor.ts";
import { SIMULATOR_COLLATERAL, SIMULATOR_ROOT_SPKI } from "./collateral.ts";
import { SIMULATOR_QE_VENDOR_ID } from "./qe-vendor.ts";

/** A root whose private key is in this repository. Evidence under it is of kind `simulator` and no other. */
export const SIMULATOR_TRUST: QuoteTrust = {
  anchor: createTrustAnchor("Adyton SIMULATOR root, not hardware", SIMULATOR_ROOT_SPKI),
  qeVendorId: SIMULATOR_QE_VENDOR_ID,
};

/** Its vendor's word for the one platform that there is. */
export const SIMULATOR_ENDORSEMENTS = parseIntelEndorsements(SIMULATOR_COLLATERAL);
