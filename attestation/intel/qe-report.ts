import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, fromHex, toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { readField, readUint } from "../encoding/layout.ts";
import type { Quote } from "./quote.ts";
import { SGX_REPORT_BODY } from "./quote-layout.ts";
import type { QeIdentity } from "./qe-identity.ts";
import type { ComponentStatus } from "./tcb-status.ts";

/**
 * Checks that the quoting enclave vouches for the attestation key: the first half of its report data is
 * SHA-256(attestation key ‖ authentication data), the second half zero (SGX ECDSA Quote Library API, A.4.4).
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH
 */
export function checkAttestationKeyBinding(quote: Quote): void {
  const bound = sha256(concatBytes(quote.attestationKey, quote.qeAuthenticationData));
  const expected = concatBytes(bound, new Uint8Array(32));
  if (!equalBytes(readField(quote.qeReport, SGX_REPORT_BODY.reportData), expected)) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: "the QE report does not vouch for the attestation key",
    });
  }
}

export interface QeFinding {
  readonly status: ComponentStatus;
  readonly advisories: readonly string[];
  readonly isvSvn: number;
}

/**
 * Checks that the report is of the quoting enclave that `identity` describes, and finds that enclave's status
 * (QVL 4.1.2.9). The masks say which bits Intel decides.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH
 */
export function verifyQeIdentity(report: Uint8Array, identity: QeIdentity): QeFinding {
  const masked = (field: "miscSelect" | "attributes", mask: Uint8Array): string =>
    toHex(readField(report, SGX_REPORT_BODY[field]).map((byte, index) => byte & (mask[index] as number)));
  const observed = {
    // Integers are little-endian in reports; Intel's JSON writes MISCSELECT big-endian.
    miscselect: masked("miscSelect", fromHex(identity.miscselectMask).reverse()),
    attributes: masked("attributes", fromHex(identity.attributesMask)),
    mrsigner: toHex(readField(report, SGX_REPORT_BODY.mrSigner)),
    isvprodid: readUint(report, SGX_REPORT_BODY.isvProdId),
  };
  const expected = {
    miscselect: toHex(fromHex(identity.miscselect).reverse()),
    attributes: identity.attributes,
    mrsigner: identity.mrsigner,
    isvprodid: identity.isvprodid,
  };
  for (const name of ["miscselect", "attributes", "mrsigner", "isvprodid"] as const) {
    if (observed[name] !== expected[name]) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: `the report is not of Intel's quoting enclave: ${name} differs`,
        details: { claim: name, expected: expected[name], actual: observed[name] },
      });
    }
  }
  const isvSvn = readUint(report, SGX_REPORT_BODY.isvSvn);
  const level = identity.tcbLevels.find(({ tcb }) => isvSvn >= tcb.isvsvn);
  return { isvSvn, status: toComponentStatus(level?.tcbStatus), advisories: level?.advisoryIDs ?? [] };
}

/** QVL knows three outcomes for an enclave: anything listed that is neither up to date nor revoked is out of date. */
function toComponentStatus(
  listed: QeIdentity["tcbLevels"][number]["tcbStatus"] | undefined,
): ComponentStatus {
  if (listed === undefined) return "NotSupported";
  return listed === "UpToDate" || listed === "Revoked" ? listed : "OutOfDate";
}
