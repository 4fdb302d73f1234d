import { createTrustAnchor } from "../x509/trust-anchor.ts";
import type { QuoteTrust } from "../intel/trust.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { SIMULATOR_ROOT_SPKI } from "./collateral.ts";

/** "ADYTON-SIMULATOR" in ASCII: a quoting enclave's vendor that no hardware has. */
export const SIMULATOR_QE_VENDOR_ID: Hex = "0x414459544f4e2d53494d554c41544f52";

/** A root whose private key is in this repository. Evidence under it is of kind `simulator` and no other. */
export const SIMULATOR_TRUST: QuoteTrust = {
  anchor: createTrustAnchor("Adyton SIMULATOR root, not hardware", SIMULATOR_ROOT_SPKI),
  qeVendorId: SIMULATOR_QE_VENDOR_ID,
};
