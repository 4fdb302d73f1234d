import { toHex, type Hex } from "../../protocol/bytes.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";

/**
 * CA certificates that evidence carries along, kept by their bytes: the same few come with every document of a
 * region, and what is known of an object (`isIssuedBy`) need not be found out again.
 */
export interface CertificateCache {
  /** The object kept for these bytes, or a new one, which is not kept. Throws as `parseCertificate` does. */
  readonly parse: (der: Uint8Array<ArrayBuffer>) => Certificate;
  /** Only for certificates of a path that held: nobody can fill the cache with strangers. */
  readonly keep: (certificates: readonly Certificate[]) => void;
}

/** `limit` is a number of certificates; beyond it the one kept longest goes. */
export function createCertificateCache(limit: number): CertificateCache {
  const kept = new Map<Hex, Certificate>();
  return {
    parse: (der) => kept.get(toHex(der)) ?? parseCertificate(der),
    keep: (certificates) => {
      for (const certificate of certificates) {
        kept.set(toHex(certificate.der), certificate);
      }
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - limit))) {
        kept.delete(oldest);
      }
    },
  };
}
