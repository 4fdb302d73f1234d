/** `GET /v1/attestation`: what the enclave shows for a nonce. Nothing of it is verified here. */

import { parseJson } from "../protocol/canonical-json.ts";
import { AttestationReply } from "../protocol/enclave-api.ts";
import { AdytonError, EvidenceError, UpstreamError } from "../protocol/errors.ts";
import { readAtMost } from "./read-at-most.ts";

/** Bytes: evidence of several kinds, an event log and a vendor's endorsements, in hex. */
const MAX_ATTESTATION_BYTES = 4 * 1024 * 1024;

/** @throws {UpstreamError} ENCLAVE_UNAVAILABLE; {EvidenceError} EVIDENCE_MALFORMED */
export async function readAttestation(ask: () => Promise<Response>): Promise<AttestationReply> {
  const file = await askForIt(ask);
  try {
    return AttestationReply.parse(parseJson(file));
  } catch (cause) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "what the server shows for a nonce is no attestation of an enclave",
      cause,
    });
  }
}

async function askForIt(ask: () => Promise<Response>): Promise<Uint8Array> {
  try {
    const response = await ask();
    if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
    return await readAtMost(response, MAX_ATTESTATION_BYTES);
  } catch (cause) {
    if (cause instanceof AdytonError) throw cause;
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "the enclave cannot be asked for evidence",
      cause,
    });
  }
}
