import { EvidenceError } from "../../protocol/errors.ts";
import { createCertificateCache } from "../x509/certificate-cache.ts";
import type { Certificate } from "../x509/certificate.ts";
import { fromBase64, splitPem } from "../x509/pem.ts";

/** Identity and provisioning CAs of a few architectures: about 1 kB each. */
const MAX_CACHED_CERTIFICATES = 64;

/** NVIDIA's CAs, once a path through them held: they come with every device. */
export const authorities = createCertificateCache(MAX_CACHED_CERTIFICATES);

const ascii = new TextDecoder("latin1");

/**
 * The certificates of a device, its own first.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED
 */
export function readDeviceChain(pem: Uint8Array): readonly [Certificate, ...Certificate[]] {
  const [leaf, ...others] = splitPem(ascii.decode(pem), "CERTIFICATE").map((body) =>
    authorities.parse(fromBase64(body)),
  );
  if (leaf === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "NVIDIA evidence comes with the device's certificates in PEM",
    });
  }
  return [leaf, ...others];
}
