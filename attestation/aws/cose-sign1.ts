/**
 * COSE_Sign1 (RFC 9052 §4.2), in the one profile that Nitro documents use: ES384, nothing unprotected, payload
 * attached. The unprotected header is outside the signature, so it must be empty.
 */

import { encode, rfc8949EncodeOptions } from "cborg";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeCbor, isBytes, type CborLimits, type CborValue } from "../encoding/cbor.ts";

/** RFC 9053 §2.1, table 1. */
const ES384 = -35;
/** RFC 9052 §3.1: header label `alg`. */
const ALG_LABEL = 1;
const ES384_SIGNATURE_LENGTH = 96;

/** RFC 9052 §4.2: tag 18, in its one-byte head. AWS omits it, some re-encoders add it. */
const COSE_SIGN1_TAG_HEAD = 0xd2;

/** An NSM document is at most 16 KiB (aws-nitro-enclaves-nsm-api, NSM_RESPONSE_MAX_SIZE 0x3000, plus the envelope). */
export const MAX_DOCUMENT_BYTES = 16_384;

const ENVELOPE_LIMITS: CborLimits = {
  maxBytes: MAX_DOCUMENT_BYTES,
  maxDepth: 2,
  maxItems: 8,
  containers: "definite",
};

/** Array of four, then a protected header of four bytes: `{1: -35}`. */
const ES384_HEAD = [0x84, 0x44, 0xa1, 0x01, 0x38, 0x22] as const;

/** Whether these bytes begin as an ES384 COSE_Sign1 does. Throws nothing. */
export function isCoseSign1(bytes: Uint8Array): boolean {
  const offset = bytes[0] === COSE_SIGN1_TAG_HEAD ? 1 : 0;
  return ES384_HEAD.every((byte, index) => bytes[offset + index] === byte);
}

export interface CoseSign1 {
  readonly payload: Uint8Array<ArrayBuffer>;
  /** r ‖ s, 48 bytes each, big-endian. */
  readonly signature: Uint8Array<ArrayBuffer>;
  /** What was signed: Sig_structure of RFC 9052 §4.4, with empty external data. */
  readonly toBeSigned: Uint8Array<ArrayBuffer>;
}

/**
 * The parts of an ES384 COSE_Sign1, read from a copy of `bytes`. The signature is not verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for another algorithm
 */
export function parseCoseSign1(bytes: Uint8Array): CoseSign1 {
  const copy = new Uint8Array(bytes);
  const untagged = copy[0] === COSE_SIGN1_TAG_HEAD ? copy.subarray(1) : copy;
  const parts = decodeCbor(untagged, ENVELOPE_LIMITS);
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed("a COSE_Sign1 is an array of four");
  const [protectedHeader, unprotectedHeader, payload, signature] = parts as readonly CborValue[];
  if (!isBytes(protectedHeader) || !isBytes(payload))
    throw malformed("the protected header and the payload of a COSE_Sign1 are byte strings");
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size !== 0)
    throw malformed("the unprotected header is not signed, and must be empty");
  if (!isBytes(signature) || signature.length !== ES384_SIGNATURE_LENGTH)
    throw malformed("an ES384 signature is 96 bytes long");
  checkProtectedHeader(protectedHeader);
  return {
    payload,
    signature,
    toBeSigned: new Uint8Array(
      encode(["Signature1", protectedHeader, new Uint8Array(0), payload], rfc8949EncodeOptions),
    ),
  };
}

function checkProtectedHeader(bytes: Uint8Array<ArrayBuffer>): void {
  const header = decodeCbor(bytes, ENVELOPE_LIMITS);
  if (!(header instanceof Map) || header.size !== 1 || header.get(ALG_LABEL) !== ES384) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the protected header must name ES384 and nothing else",
    });
  }
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message });
}
