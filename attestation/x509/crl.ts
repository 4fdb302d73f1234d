import { toHex, type Hex } from "../../protocol/bytes.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { toBitStringBytes, toSmallInteger, toTime, toUnsigned } from "../asn1/der-values.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { EXTENSION, parseExtensions } from "./extensions.ts";
import { parseSignatureScheme, type SignatureScheme } from "./signature-scheme.ts";

/** Longest CRL read, in bytes: Intel's and AMD's are a few kilobytes. */
export const MAX_CRL_BYTES = 4 * 1024 * 1024;

/** A certificate revocation list's fields; authentic and in date only once `revocation.ts` has found it so. */
export interface Crl {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly issuer: Hex;
  readonly thisUpdate: UnixSeconds;
  readonly nextUpdate: UnixSeconds;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array<ArrayBuffer>;
  /** Serial numbers. With `issuer` they identify a certificate: its hash would not, as signatures are malleable. */
  readonly revoked: ReadonlySet<Hex>;
}

/** Critical extensions that a full CRL of one issuer may carry and that change nothing for us. */
const HARMLESS: ReadonlySet<string> = new Set([EXTENSION.crlNumber, EXTENSION.authorityKeyIdentifier]);

/**
 * Reads a full, direct CRL (RFC 5280 §5.1). A delta CRL or one of partial scope would leave revoked certificates out,
 * so their markers (critical, §5.2.4 and §5.2.5) are refused like every unknown critical extension.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED
 */
export function parseCrl(der: Uint8Array<ArrayBuffer>): Crl {
  if (der.length > MAX_CRL_BYTES) throw malformed("CRL is too long", { length: der.length });
  const outer = new DerReader(der);
  const list = outer.readSequence();
  outer.end();
  const tbs = list.read(TAG.sequence);
  const scheme = list.read(TAG.sequence).raw;
  const signature = toBitStringBytes(list.read(TAG.bitString).content);
  list.end();
  const reader = new DerReader(tbs.content);
  const version = reader.read(TAG.integer).content;
  if (toSmallInteger(version) !== 1) throw malformed("CRL is not version 2");
  if (toHex(reader.read(TAG.sequence).raw) !== toHex(scheme))
    throw malformed("CRL names two signature algorithms");
  const issuer = toHex(reader.read(TAG.sequence).raw);
  const thisUpdate = toTime(reader.readAny());
  const nextUpdate = toTime(reader.readAny());
  const revoked = parseRevoked(reader);
  if (reader.nextTag === TAG.context0) checkExtensions(reader.readConstructed(TAG.context0).readSequence());
  reader.end();
  return {
    der,
    tbs: tbs.raw,
    issuer,
    thisUpdate,
    nextUpdate,
    revoked,
    signature,
    scheme: parseSignatureScheme(scheme),
  };
}

function parseRevoked(reader: DerReader): ReadonlySet<Hex> {
  const revoked = new Set<Hex>();
  // The list is absent when nothing is revoked (§5.1.2.6).
  if (reader.nextTag !== TAG.sequence) return revoked;
  const entries = reader.readSequence();
  while (!entries.done) {
    const entry = entries.readSequence();
    revoked.add(toHex(toUnsigned(entry.read(TAG.integer).content)));
    toTime(entry.readAny());
    // A critical entry extension may move the entry to another issuer (§5.3.3).
    if (!entry.done) checkExtensions(entry.readSequence());
    entry.end();
  }
  return revoked;
}

function checkExtensions(reader: DerReader): void {
  for (const [oid, { critical }] of parseExtensions(reader)) {
    if (critical && !HARMLESS.has(oid))
      throw malformed("CRL has a critical extension that is not understood", { oid });
  }
}
