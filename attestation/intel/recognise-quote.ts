import { toHex } from "../../protocol/bytes.ts";
import { readField, readUint } from "../encoding/layout.ts";
import { SIMULATOR_QE_VENDOR_ID } from "../simulator/qe-vendor.ts";
import { QUOTE_HEADER, QUOTE_HEADER_BYTES, TEE_TYPE } from "./quote-layout.ts";

/** Versions of quotes in use; SNP reports, the nearest format, have policy and family bytes where the key type is here. */
const VERSIONS: ReadonlySet<number> = new Set([3, 4, 5]);

/** Which kind a quote header announces, or null when this is no quote. Never throws. */
export function recogniseQuote(evidence: Uint8Array): "sgx" | "tdx" | "simulator" | null {
  if (evidence.length < QUOTE_HEADER_BYTES) return null;
  const teeType = readUint(evidence, QUOTE_HEADER.teeType);
  const isQuote =
    VERSIONS.has(readUint(evidence, QUOTE_HEADER.version)) &&
    // Key types 2 (P-256) and 3 (P-384) are defined; the latter is told apart here and refused by the parser.
    [2, 3].includes(readUint(evidence, QUOTE_HEADER.attestationKeyType)) &&
    (teeType === TEE_TYPE.sgx || teeType === TEE_TYPE.tdx);
  if (!isQuote) return null;
  if (toHex(readField(evidence, QUOTE_HEADER.qeVendorId)) === SIMULATOR_QE_VENDOR_ID) return "simulator";
  return teeType === TEE_TYPE.tdx ? "tdx" : "sgx";
}
