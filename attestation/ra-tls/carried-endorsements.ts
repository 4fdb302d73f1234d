import { toHex } from "../../protocol/bytes.ts";
import { asEndorsement } from "../endorsements/as-endorsement.ts";
import { parseIntelEndorsements, type IntelEndorsements } from "../intel/intel-endorsements.ts";
import { splitSignedResponse } from "../intel/signed-json.ts";
import type { Certificate } from "../x509/certificate.ts";
import { decodeEndorsementExtension, ENDORSEMENT_EXTENSION } from "./evidence-extension.ts";

const latin1 = new TextDecoder("latin1");
const SEQUENCE_TAG = 0x30;

/** Some writers end texts with the NUL of C. */
function toText(bytes: Uint8Array): string {
  return latin1.decode(bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1));
}

/** DER as hex, text (PEM or hex) as it is. */
function toCrlText(bytes: Uint8Array): string {
  return bytes[0] === SEQUENCE_TAG && bytes[1] !== undefined && bytes[1] >= 0x80
    ? toHex(bytes).slice(2)
    : toText(bytes);
}

/**
 * Intel's endorsements that a certificate brings along, or undefined when it brings none. They need no trust: Intel
 * signed them, and they are judged like any others.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function parseCarriedEndorsements(certificate: Certificate): IntelEndorsements | undefined {
  const extension = certificate.extensions.get(ENDORSEMENT_EXTENSION);
  if (extension === undefined) return undefined;
  return asEndorsement("endorsements in the certificate", () => {
    const members = decodeEndorsementExtension(extension.value);
    const tcbInfo = splitSignedResponse("tcbInfo", toText(members.tcbInfo));
    const qeIdentity = splitSignedResponse("enclaveIdentity", toText(members.qeIdentity));
    return parseIntelEndorsements({
      pck_crl_issuer_chain: toText(members.pckCrlIssuerChain),
      root_ca_crl: toCrlText(members.rootCrl),
      pck_crl: toCrlText(members.pckCrl),
      tcb_info_issuer_chain: toText(members.tcbIssuerChain),
      tcb_info: tcbInfo.text,
      tcb_info_signature: tcbInfo.signature,
      qe_identity_issuer_chain: toText(members.qeIdentityIssuerChain),
      qe_identity: qeIdentity.text,
      qe_identity_signature: qeIdentity.signature,
    });
  });
}
