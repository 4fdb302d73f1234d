import { toHex, type Hex } from "../../protocol/bytes.ts";
import { DerReader, TAG } from "../asn1/der-reader.ts";
import { malformed } from "../encoding/malformed.ts";
import { toBitStringBytes, toSmallInteger, toTime, toUnsigned } from "../asn1/der-values.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import {
  EXTENSION,
  parseBasicConstraints,
  parseExtensions,
  parseKeyUsage,
  type BasicConstraints,
  type Extension,
  type KeyUsage,
} from "./extensions.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import { parseSignatureScheme, type SignatureScheme } from "./signature-scheme.ts";

/** Longest certificate read, in bytes: RA-TLS certificates carry a quote and its endorsements inside. */
export const MAX_CERTIFICATE_BYTES = 256 * 1024;

/** Longest serial number, in bytes (RFC 5280 §4.1.2.2: 20 octets, one of them maybe for the sign). */
const MAX_SERIAL_BYTES = 20;

/** A certificate's fields. Reading them establishes nothing about whether they are true: `verifyPath` does. */
export interface Certificate {
  readonly der: Uint8Array<ArrayBuffer>;
  /** The bytes that the signature covers. */
  readonly tbs: Uint8Array<ArrayBuffer>;
  readonly serial: Hex;
  /** Names as DER in hex: compared byte by byte, which is stricter than RFC 5280 §7.1 and what vendors satisfy. */
  readonly issuer: Hex;
  readonly subject: Hex;
  /** Common name of the subject, for messages only. */
  readonly label: string;
  readonly notBefore: UnixSeconds;
  readonly notAfter: UnixSeconds;
  readonly publicKey: PublicKey;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly basicConstraints: BasicConstraints;
  readonly keyUsage: ReadonlySet<KeyUsage> | null;
}

/**
 * Reads an X.509 version 3 certificate (RFC 5280 §4.1) of which nothing is left over.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for an algorithm outside `signature-scheme.ts`
 */
export function parseCertificate(der: Uint8Array<ArrayBuffer>): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw malformed("certificate is too long", { length: der.length });
  const outer = new DerReader(der);
  const certificate = outer.readSequence();
  outer.end();
  const tbs = certificate.read(TAG.sequence);
  const outerScheme = certificate.read(TAG.sequence).raw;
  const signature = toBitStringBytes(certificate.read(TAG.bitString).content);
  certificate.end();
  const fields = parseTbs(new DerReader(tbs.content));
  // RFC 5280 §4.1.1.2: the algorithm outside the signature must be the one inside, or an attacker picks it.
  if (toHex(outerScheme) !== fields.schemeHex) throw malformed("certificate names two signature algorithms");
  return { der, tbs: tbs.raw, signature, ...fields.certificate, scheme: parseSignatureScheme(outerScheme) };
}

type TbsFields = Omit<Certificate, "der" | "tbs" | "signature" | "scheme">;

function parseTbs(reader: DerReader): { readonly schemeHex: Hex; readonly certificate: TbsFields } {
  const version = reader.readConstructed(TAG.context0);
  if (toSmallInteger(version.read(TAG.integer).content) !== 2)
    throw malformed("certificate is not X.509 version 3");
  const serial = toUnsigned(reader.read(TAG.integer).content);
  if (serial.length > MAX_SERIAL_BYTES) throw malformed("certificate serial number is too long");
  const schemeHex = toHex(reader.read(TAG.sequence).raw);
  const issuer = toHex(reader.read(TAG.sequence).raw);
  const validity = reader.readSequence();
  const notBefore = toTime(validity.readAny());
  const notAfter = toTime(validity.readAny());
  validity.end();
  const subject = reader.read(TAG.sequence);
  const publicKey = parsePublicKey(reader.read(TAG.sequence).raw);
  const extensions =
    reader.nextTag === TAG.context3
      ? parseExtensions(reader.readConstructed(TAG.context3).readSequence())
      : new Map<string, Extension>();
  reader.end();
  return {
    schemeHex,
    certificate: {
      serial: toHex(serial),
      issuer,
      subject: toHex(subject.raw),
      label: commonName(subject.content),
      notBefore,
      notAfter,
      publicKey,
      extensions,
      basicConstraints: parseBasicConstraints(extensions.get(EXTENSION.basicConstraints)),
      keyUsage: parseKeyUsage(extensions.get(EXTENSION.keyUsage)),
    },
  };
}

/** 2.5.4.3 */
const COMMON_NAME = "0x550403";
const utf8 = new TextDecoder();

function commonName(name: Uint8Array<ArrayBuffer>): string {
  const reader = new DerReader(name);
  let label = "";
  while (!reader.done) {
    const attribute = reader.readConstructed(TAG.set).readSequence();
    if (toHex(attribute.read(TAG.oid).content) === COMMON_NAME)
      label = utf8.decode(attribute.readAny().content);
  }
  return label;
}
