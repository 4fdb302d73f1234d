/**
 * Certificate Transparency: promises of pinned logs, inside a server's certificate, to publish it. A certificate that an
 * authority issued for the host's sake alone has none, or is public (RFC 6962).
 */

import { createHash, createPublicKey, verify, type KeyObject, type X509Certificate } from "node:crypto";
import { DerReader, TAG } from "../../attestation/asn1/der-reader.ts";
import { readOid } from "../../attestation/asn1/der-values.ts";
import { concatBytes, toHex, type Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import type { Behaviour } from "../configuration/behaviour.ts";

/** RFC 6962 §3.3. */
const SCT_LIST_EXTENSION = "1.3.6.1.4.1.11129.2.4.2";

/** TLS vectors of RFC 6962 §3.2: offsets from the start of one timestamp. */
const SCT = {
  version: { at: 0, length: 1 },
  logId: { at: 1, length: 32 },
  timestamp: { at: 33, length: 8 },
  extensionsLength: { at: 41, length: 2 },
} as const;
const SCT_V1 = 0;
/** RFC 5246 §7.4.1.4.1: sha256(4) with rsa(1) or ecdsa(3), by the type of the log's key. */
const SIGNATURE_ALGORITHM: Readonly<Record<string, number>> = { rsa: 0x0401, ec: 0x0403 };
const MAX_SCTS = 16;

export interface VerifiedTimestamp {
  readonly logId: Hex;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

export type TransparencyLogs = ReadonlyMap<Hex, KeyObject>;

/** By log id: SHA-256 of the log's key (RFC 6962 §3.2). */
export function pinLogs(logs: Behaviour["transparencyLogs"]): TransparencyLogs {
  return new Map(
    logs.map(({ key }) => {
      const spki = Buffer.from(key, "base64");
      return [sha256Hex(spki), createPublicKey({ key: spki, format: "der", type: "spki" })];
    }),
  );
}

/**
 * Timestamps embedded in `leaf` that a pinned log signed for exactly this certificate, one per log. What cannot be read,
 * or is of other logs, is left out: it counts for nothing.
 *
 * Leaves to the caller: that `issuer` issued `leaf`, and how many timestamps are enough.
 */
export function verifyTimestamps(
  leaf: X509Certificate,
  issuer: X509Certificate,
  logs: TransparencyLogs,
): readonly VerifiedTimestamp[] {
  try {
    const { precertificate, list } = splitCertificate(new Uint8Array(leaf.raw));
    if (list === null) return [];
    const issuerKey = issuer.publicKey.export({ type: "spki", format: "der" });
    const issuerKeyHash = createHash("sha256").update(issuerKey).digest();
    const found = new Map<Hex, VerifiedTimestamp>();
    for (const entry of readList(list)) {
      const verified = verifyTimestamp(entry, { precertificate, issuerKeyHash, logs });
      if (verified !== null) found.set(verified.logId, verified);
    }
    return [...found.values()];
  } catch (error) {
    if (error instanceof AdytonError || error instanceof RangeError) return [];
    throw error;
  }
}

interface SplitCertificate {
  /** The TBSCertificate without the list: what a log signs (RFC 6962 §3.2). */
  readonly precertificate: Uint8Array;
  readonly list: Uint8Array | null;
}

function splitCertificate(der: Uint8Array<ArrayBuffer>): SplitCertificate {
  const tbs = new DerReader(der).readSequence().readSequence();
  const parts: Uint8Array[] = [];
  let list: Uint8Array | null = null;
  while (!tbs.done) {
    const part = tbs.readAny();
    if (part.tag !== TAG.context3) {
      parts.push(part.raw);
      continue;
    }
    const extensions = new DerReader(part.content).readSequence();
    const kept: Uint8Array[] = [];
    while (!extensions.done) {
      const extension = extensions.read(TAG.sequence);
      const value = readSctExtension(extension.content);
      if (value === null) kept.push(extension.raw);
      else list = value;
    }
    parts.push(wrap(TAG.context3, wrap(TAG.sequence, ...kept)));
  }
  return { precertificate: wrap(TAG.sequence, ...parts), list };
}

function readSctExtension(content: Uint8Array<ArrayBuffer>): Uint8Array | null {
  const reader = new DerReader(content);
  if (readOid(reader) !== SCT_LIST_EXTENSION) return null;
  reader.readOptional(TAG.boolean);
  return new DerReader(reader.read(TAG.octetString).content).read(TAG.octetString).content;
}

function wrap(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...contents);
  const size = content.length;
  const length =
    size < 0x80
      ? [size]
      : size < 0x100
        ? [0x81, size]
        : size < 0x1_0000
          ? [0x82, size >> 8, size & 0xff]
          : [0x83, size >> 16, (size >> 8) & 0xff, size & 0xff];
  return concatBytes(Uint8Array.of(tag, ...length), content);
}

/** Reading past the end throws RangeError, which ends the list. */
function readList(list: Uint8Array): readonly Uint8Array[] {
  const view = toView(list);
  const entries: Uint8Array[] = [];
  let at = 2;
  const end = at + view.getUint16(0);
  while (at < end && entries.length < MAX_SCTS) {
    const length = view.getUint16(at);
    entries.push(list.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

interface Signed {
  readonly precertificate: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  readonly logs: TransparencyLogs;
}

function verifyTimestamp(
  sct: Uint8Array,
  { precertificate, issuerKeyHash, logs }: Signed,
): VerifiedTimestamp | null {
  const view = toView(sct);
  const logId = toHex(sct.subarray(SCT.logId.at, SCT.logId.at + SCT.logId.length));
  const key = logs.get(logId);
  if (view.getUint8(SCT.version.at) !== SCT_V1 || key === undefined) return null;
  const extensionsEnd = SCT.extensionsLength.at + 2 + view.getUint16(SCT.extensionsLength.at);
  if (view.getUint16(extensionsEnd) !== SIGNATURE_ALGORITHM[key.asymmetricKeyType ?? ""]) return null;
  const signature = sct.subarray(extensionsEnd + 4);
  if (signature.length !== view.getUint16(extensionsEnd + 2)) return null;
  const size = precertificate.length;
  // digitally-signed struct of RFC 6962 §3.2: v1, certificate_timestamp, …, precert_entry.
  const signed = concatBytes(
    Uint8Array.of(SCT_V1, 0),
    sct.subarray(SCT.timestamp.at, SCT.timestamp.at + SCT.timestamp.length),
    Uint8Array.of(0, 1),
    issuerKeyHash,
    Uint8Array.of(size >> 16, (size >> 8) & 0xff, size & 0xff),
    precertificate,
    sct.subarray(SCT.extensionsLength.at, extensionsEnd),
  );
  if (!verify("sha256", signed, key, signature)) return null;
  return { logId, timestamp: Number(view.getBigUint64(SCT.timestamp.at)) };
}

function toView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sha256Hex(bytes: Uint8Array): Hex {
  return toHex(createHash("sha256").update(bytes).digest());
}
