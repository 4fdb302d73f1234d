import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { readOid, toBoolean, toSmallInteger } from "../asn1/der-values.ts";

export interface Extension {
  readonly critical: boolean;
  /** Content of extnValue: the extension's own DER. */
  readonly value: Uint8Array<ArrayBuffer>;
}

export const EXTENSION = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  basicConstraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  deltaCrlIndicator: "2.5.29.27",
  issuingDistributionPoint: "2.5.29.28",
  authorityKeyIdentifier: "2.5.29.35",
} as const;

/** Most extensions in one certificate; vendors use up to 30 (AMD's VCEK). */
const MAX_EXTENSIONS = 64;

/** Extensions (RFC 5280 §4.1): each at most once, or two readers could take different ones. */
export function parseExtensions(reader: DerReader): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  while (!reader.done) {
    const entry = reader.readSequence();
    const oid = readOid(entry);
    const critical = entry.readOptional(TAG.boolean);
    const value = entry.read(TAG.octetString).content;
    entry.end();
    if (extensions.has(oid)) throw malformed("certificate extension appears twice", { oid });
    if (extensions.size === MAX_EXTENSIONS) throw malformed("too many extensions");
    extensions.set(oid, { critical: critical !== undefined && toBoolean(critical.content), value });
  }
  return extensions;
}

export interface BasicConstraints {
  readonly isCa: boolean;
  /** How many CA certificates may stand between this one and the leaf; null is no limit. */
  readonly pathLength: number | null;
}

/** RFC 5280 §4.2.1.9. Absent means: not a CA. */
export function parseBasicConstraints(extension: Extension | undefined): BasicConstraints {
  if (extension === undefined) return { isCa: false, pathLength: null };
  const outer = new DerReader(extension.value);
  const reader = outer.readSequence();
  outer.end();
  const ca = reader.readOptional(TAG.boolean);
  const pathLength = reader.readOptional(TAG.integer);
  reader.end();
  return {
    isCa: ca !== undefined && toBoolean(ca.content),
    pathLength: pathLength === undefined ? null : toSmallInteger(pathLength.content),
  };
}

export type KeyUsage = "digitalSignature" | "keyCertSign" | "cRLSign";

/** Bit numbers of RFC 5280 §4.2.1.3, counted from the most significant bit of the first byte. */
const KEY_USAGE_BIT: Readonly<Record<KeyUsage, number>> = { digitalSignature: 0, keyCertSign: 5, cRLSign: 6 };

/** What the key may do, or null where the certificate does not say: then RFC 5280 §4.2.1.3 restricts nothing. */
export function parseKeyUsage(extension: Extension | undefined): ReadonlySet<KeyUsage> | null {
  if (extension === undefined) return null;
  const reader = new DerReader(extension.value);
  const bits = reader.read(TAG.bitString).content;
  reader.end();
  const first = bits[1] ?? 0;
  const usages = new Set<KeyUsage>();
  for (const [usage, bit] of Object.entries(KEY_USAGE_BIT) as [KeyUsage, number][])
    if (((first >> (7 - bit)) & 1) === 1) usages.add(usage);
  return usages;
}

/** Purposes that the key was certified for (RFC 5280 §4.2.1.12); none where the certificate does not say. */
export function parseExtendedKeyUsage({
  extensions,
}: {
  readonly extensions: ReadonlyMap<string, Extension>;
}): ReadonlySet<string> {
  const extension = extensions.get(EXTENSION.extendedKeyUsage);
  if (extension === undefined) return new Set();
  const outer = new DerReader(extension.value);
  const reader = outer.readSequence();
  outer.end();
  const purposes = new Set<string>();
  while (!reader.done) purposes.add(readOid(reader));
  return purposes;
}
