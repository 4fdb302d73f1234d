/**
 * Issues certificates and revocation lists with a library: what our own reader judges (`attestation/x509`) is then not
 * written by the hand that reads it. Nothing is checked here: tests issue what must be refused.
 */

// Before the library, which takes its decorators' metadata from it.
import "reflect-metadata";
import type { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  DNS,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  IP,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";

type Bytes = Uint8Array<ArrayBuffer>;

export interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER. */
  readonly value: Uint8Array;
}

/** A signer: its key, and the algorithm of its signatures. */
export interface IssuingKey {
  readonly key: webcrypto.CryptoKey;
  readonly algorithm: { readonly name: string; readonly hash: string; readonly saltLength?: number };
}

export interface CertificateFields {
  /** Common names, the only attribute. */
  readonly subject: string;
  readonly issuer: string;
  /** Hex digits. */
  readonly serial: string;
  /** Seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly extensions: readonly RawExtension[];
}

export type KeyUsageName = "digitalSignature" | "keyCertSign" | "cRLSign";

/** Critical, as the vendors have it. */
export function keyUsage(...usages: readonly KeyUsageName[]): RawExtension {
  const flags: number = usages
    .map((usage): number => KeyUsageFlags[usage])
    .reduce((sum, flag) => sum | flag, 0);
  // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the library takes several flags as one enum
  return toRaw(new KeyUsagesExtension(flags, true));
}

/** Critical, as the vendors have it. */
export function basicConstraints(isCa: boolean, pathLength?: number): RawExtension {
  return toRaw(new BasicConstraintsExtension(isCa, pathLength, true));
}

/** The purpose of a TLS server's certificate, and the DNS names and IP addresses that it covers. */
export function serverExtensions(names: readonly string[]): readonly RawExtension[] {
  const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? DNS : IP, value }) as const);
  return [
    toRaw(new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth])),
    toRaw(new SubjectAlternativeNameExtension(alternatives)),
  ];
}

function toRaw({ type, critical, value }: Extension): RawExtension {
  return { oid: type, critical, value: new Uint8Array(value) };
}

const nameOf = (commonName: string) => [{ CN: [commonName] }];
const dateOf = (seconds: number): Date => new Date(seconds * 1000);
const extensionOf = ({ oid, critical, value }: RawExtension): Extension =>
  new Extension(oid, critical, new Uint8Array(value));

/** X.509 version 3 (RFC 5280 §4.1). */
export async function issueCertificate(fields: CertificateFields, signer: IssuingKey): Promise<Bytes> {
  const certificate = await X509CertificateGenerator.create({
    subject: nameOf(fields.subject),
    issuer: nameOf(fields.issuer),
    serialNumber: fields.serial,
    notBefore: dateOf(fields.notBefore),
    notAfter: dateOf(fields.notAfter),
    publicKey: new Uint8Array(fields.spki),
    signingKey: signer.key,
    signingAlgorithm: signer.algorithm,
    extensions: fields.extensions.map(extensionOf),
  });
  return new Uint8Array(certificate.rawData);
}

export interface CrlFields {
  readonly issuer: string;
  /** Seconds. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers in hex digits. */
  readonly revoked: readonly string[];
  readonly extensions: readonly RawExtension[];
}

/** CRL version 2 (RFC 5280 §5.1). */
export async function issueCrl(fields: CrlFields, signer: IssuingKey): Promise<Bytes> {
  const list = await X509CrlGenerator.create({
    issuer: nameOf(fields.issuer),
    thisUpdate: dateOf(fields.thisUpdate),
    nextUpdate: dateOf(fields.nextUpdate),
    entries: fields.revoked.map((serialNumber) => ({
      serialNumber,
      revocationDate: dateOf(fields.thisUpdate),
      // As the vendors' lists say; without any, the library writes an empty list of extensions.
      reason: X509CrlReason.keyCompromise,
    })),
    extensions: fields.extensions.map(extensionOf),
    signingKey: signer.key,
    signingAlgorithm: signer.algorithm,
  });
  return new Uint8Array(list.rawData);
}

export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
