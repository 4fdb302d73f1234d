/**
 * The certificate table that a host hands out beside an extended report (and configfs-tsm as `auxblob`). Nothing in
 * it is authenticated: it is a bag of endorsements, each of which the verifier judges by its chain.
 *
 * Source: GHCB Specification (AMD 56421) revision 2.03, §4.1.8.1, tables 7 and 8.
 */

import { toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero, readField, readUint, type Field } from "../encoding/layout.ts";

const ENTRY = {
  guid: { at: 0, length: 16 },
  offset: { at: 16, length: 4 },
  size: { at: 20, length: 4 },
} as const satisfies Record<string, Field>;
const ENTRY_LENGTH = 24;

/** Table 8; the bytes of a GUID are in the order of its text. */
const KINDS = {
  "0xc0b406a4a803495297433fb6014cd0ae": "ark",
  "0x4ab7b379bbac4fe4a02f05aef327c782": "ask",
  "0x63da758de6644564adc5f4b93be8accd": "vcek",
  "0xa8074bc2a25a483eaae639c045a0b8a1": "vlek",
  "0x92f81bc358114d3d97ffd19f88dc67ea": "crl",
} as const;

export type SnpCertificateKind = (typeof KINDS)[keyof typeof KINDS];

/** A table has a handful of entries; hosts may add their own. */
const MAX_ENTRIES = 32;

/**
 * Contents by kind: PEM or DER, as the host stored them. Entries of other GUIDs are passed over.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED for a table without its closing entry, an entry beyond the input, or a
 *   kind that appears twice
 */
export function parseCertificateTable(
  bytes: Uint8Array<ArrayBuffer>,
): ReadonlyMap<SnpCertificateKind, Uint8Array<ArrayBuffer>> {
  const contents = new Map<SnpCertificateKind, Uint8Array<ArrayBuffer>>();
  for (let index = 0; index < MAX_ENTRIES; index++) {
    const entry = readField(bytes, { at: index * ENTRY_LENGTH, length: ENTRY_LENGTH });
    if (isAllZero(entry)) return contents;
    const kind = toKind(readField(entry, ENTRY.guid));
    const content = readField(bytes, {
      at: readUint(entry, ENTRY.offset),
      length: readUint(entry, ENTRY.size),
    });
    if (kind !== undefined) {
      if (contents.has(kind)) throw malformed("the certificate table has two entries of one kind", { kind });
      contents.set(kind, content);
    }
  }
  throw malformed("the certificate table has no closing entry", { maxEntries: MAX_ENTRIES });
}

function toKind(guid: Uint8Array<ArrayBuffer>): SnpCertificateKind | undefined {
  return (KINDS as Readonly<Record<string, SnpCertificateKind>>)[toHex(guid)];
}

function malformed(message: string, details: Record<string, string | number>): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details });
}
