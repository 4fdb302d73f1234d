import { equalBytes } from "../../protocol/bytes.ts";
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

/**
 * The end of a certificate is the end of its signature: 16 bytes of it tell apart all but forgeries, and those the
 * comparison of all bytes does. Hashing or spelling out a kilobyte for each look costs more than reading it.
 */
const KEY_BYTES = 16;

function keyOf(der: Uint8Array): string {
  return String.fromCharCode(...der.subarray(-KEY_BYTES));
}

/** `limit` is a number of certificates; beyond it the one kept longest goes. */
export function createCertificateCache(limit: number): CertificateCache {
  const kept = new Map<string, Certificate>();
  return {
    parse: (der) => {
      const known = kept.get(keyOf(der));
      return known !== undefined && equalBytes(known.der, der) ? known : parseCertificate(der);
    },
    keep: (certificates) => {
      for (const certificate of certificates) kept.set(keyOf(certificate.der), certificate);
      for (const oldest of [...kept.keys()].slice(0, Math.max(0, kept.size - limit))) kept.delete(oldest);
    },
  };
}
