/** The question to an OCSP responder, about one certificate (RFC 6960 §4.1.1). */

import { concatBytes, fromHex } from "../../protocol/bytes.ts";
import { TAG } from "../asn1/der-reader.ts";
import type { Certificate } from "./certificate.ts";
import { toOcspId } from "./given-revocation.ts";

/** 2.16.840.1.101.3.4.2.2: SHA-384, by which NVIDIA's responder knows certificates (nvtrust, `build_ocsp_request`). */
const SHA384 = Uint8Array.of(0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02);

/**
 * Asks without a nonce: an answer is judged by its dates, like any other endorsement, and one that was made for everybody
 * can be kept and carried on.
 */
export async function encodeOcspRequest(
  certificate: Certificate,
  issuer: Certificate,
): Promise<Uint8Array<ArrayBuffer>> {
  const id = await toOcspId(certificate, issuer.publicKey, "SHA-384");
  const serial = fromHex(id.serial);
  const certificateId = element(
    TAG.sequence,
    element(TAG.sequence, SHA384, element(TAG.null)),
    element(TAG.octetString, fromHex(id.issuerName)),
    element(TAG.octetString, fromHex(id.issuerKey)),
    element(TAG.integer, (serial[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), serial) : serial),
  );
  return element(
    TAG.sequence,
    element(TAG.sequence, element(TAG.sequence, element(TAG.sequence, certificateId))),
  );
}

/** Contents here are under 64 KiB: hashes and serial numbers. */
function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concatBytes(...contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.of(tag, ...size), content);
}
