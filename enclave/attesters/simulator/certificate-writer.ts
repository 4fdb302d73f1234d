import { fromHex, toHex, type Hex } from "../../../protocol/bytes.ts";
import { der, type Der } from "./der-writer.ts";
import type { Signer } from "./signer.ts";

export interface CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

export interface CertificateFields {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: Hex;
  /** Seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  readonly extensions: readonly CertificateExtension[];
}

/** A name of one attribute, the common name. */
export function encodeName(commonName: string): Der {
  return der.sequence(der.set(der.sequence(der.oid("2.5.4.3"), der.utf8String(commonName))));
}

/** X.509 version 3 (RFC 5280 §4.1). Nothing is checked: tests mint what must be refused. */
export async function mintCertificate(fields: CertificateFields, signer: Signer): Promise<Der> {
  const tbs = der.sequence(
    der.context(0, der.integer(2)),
    der.unsigned(fromHex(fields.serial)),
    signer.algorithm,
    encodeName(fields.issuer),
    der.sequence(der.time(fields.notBefore), der.time(fields.notAfter)),
    encodeName(fields.subject),
    fields.spki,
    der.context(3, encodeExtensions(fields.extensions)),
  );
  return der.sequence(tbs, signer.algorithm, der.bitString(await signer.sign(tbs)));
}

function encodeExtensions(extensions: readonly CertificateExtension[]): Der {
  return der.sequence(
    ...extensions.map(({ oid, critical, value }) =>
      der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
    ),
  );
}

export interface CrlFields {
  readonly issuer: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers. */
  readonly revoked: readonly Hex[];
  readonly extensions?: readonly CertificateExtension[];
}

/** CRL version 2 (RFC 5280 §5.1). */
export async function mintCrl(fields: CrlFields, signer: Signer): Promise<Der> {
  const entries = fields.revoked.map((serial) =>
    der.sequence(der.unsigned(fromHex(serial)), der.time(fields.thisUpdate)),
  );
  const number: CertificateExtension = { oid: "2.5.29.20", critical: false, value: der.integer(1) };
  const tbs = der.sequence(
    der.integer(1),
    signer.algorithm,
    encodeName(fields.issuer),
    der.time(fields.thisUpdate),
    der.time(fields.nextUpdate),
    ...(entries.length === 0 ? [] : [der.sequence(...entries)]),
    der.context(0, encodeExtensions([number, ...(fields.extensions ?? [])])),
  );
  return der.sequence(tbs, signer.algorithm, der.bitString(await signer.sign(tbs)));
}

export type KeyUsageName = "digitalSignature" | "keyCertSign" | "cRLSign";

/** Bits of RFC 5280 §4.2.1.3 within the first byte. */
const KEY_USAGE: Readonly<Record<KeyUsageName, number>> = {
  digitalSignature: 0x80,
  keyCertSign: 0x04,
  cRLSign: 0x02,
};

export const certificateExtension = {
  keyUsage: (...usages: readonly KeyUsageName[]): CertificateExtension => {
    const bits = usages.reduce((sum, usage) => sum | KEY_USAGE[usage], 0);
    const unused = bits === 0 ? 0 : Math.log2(bits & -bits);
    return { oid: "2.5.29.15", critical: true, value: der.bitString(Uint8Array.of(bits), unused) };
  },
  basicConstraints: (isCa: boolean, pathLength: number | null): CertificateExtension => {
    const value = der.sequence(
      ...(isCa ? [der.boolean(true)] : []),
      ...(pathLength === null ? [] : [der.integer(pathLength)]),
    );
    return { oid: "2.5.29.19", critical: true, value };
  },
} as const;

const LINE = /.{1,64}/g;

/** RFC 7468. */
export function encodePem(label: string, bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return `-----BEGIN ${label}-----\n${(base64.match(LINE) ?? []).join("\n")}\n-----END ${label}-----\n`;
}

/** Hex without prefix, as Intel's interfaces have it. */
export function toBareHex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2);
}

export function joinChain(...certificates: readonly Uint8Array[]): string {
  return certificates.map((certificate) => encodePem("CERTIFICATE", certificate)).join("");
}
