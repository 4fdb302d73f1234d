import { asEndorsement } from "../endorsements/as-endorsement.ts";
import type { Crl } from "../x509/crl.ts";
import { parseOcspResponse, type OcspResponse } from "../x509/ocsp.ts";
import { parseCrls } from "../x509/pem-or-der.ts";

/**
 * NVIDIA's word on which certificates of devices are revoked: its OCSP answers, and lists where somebody has them. Evidence
 * is judged without them too, and then says that revocation was not checked.
 */
export interface NvidiaEndorsements {
  readonly ocsp: readonly OcspResponse[];
  readonly crls: readonly Crl[];
}

export interface NvidiaEndorsementFiles {
  /** DER. */
  readonly ocsp: readonly Uint8Array[];
  /** PEM or DER. */
  readonly crls: readonly Uint8Array[];
}

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED */
export function parseNvidiaEndorsements({ ocsp, crls }: NvidiaEndorsementFiles): NvidiaEndorsements {
  return asEndorsement("NVIDIA endorsements", () => ({
    ocsp: ocsp.map((der) => parseOcspResponse(new Uint8Array(der))),
    crls: crls.flatMap(parseCrls),
  }));
}
