/** Mints keys, certificates and revocation lists of any vendor's shape, right or wrong in one place. */

import type { webcrypto } from "node:crypto";
import { concatBytes } from "../../protocol/bytes.ts";
import { der } from "../../devnet/issuance/der.ts";
import {
  basicConstraints,
  issueCertificate,
  issueCrl,
  type IssuingKey,
  type RawExtension,
} from "../../devnet/issuance/x509.ts";

type Bytes = Uint8Array<ArrayBuffer>;
const ALGORITHMS = {
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256", saltLength: 0 },
  "P-384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384", saltLength: 0 },
  /** As AMD signs, but 2048 bits: 4096 take a second each to find. */
  "RSA-PSS": { name: "RSA-PSS", hash: "SHA-384", saltLength: 48 },
  RSA: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", saltLength: 0 },
} as const;

export type FakeKeyKind = keyof typeof ALGORITHMS;

export interface FakeKey {
  readonly kind: FakeKeyKind;
  readonly pair: webcrypto.CryptoKeyPair;
  readonly spki: Bytes;
}

export async function mintKey(kind: FakeKeyKind): Promise<FakeKey> {
  const algorithm = { ...ALGORITHMS[kind], modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const exported = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  return { kind, pair, spki: exported };
}

/** r ‖ s for ECDSA, raw for RSA: as WebCrypto gives it. */
export async function signRaw(key: FakeKey, data: Uint8Array): Promise<Bytes> {
  const signature = await crypto.subtle.sign(ALGORITHMS[key.kind], key.pair.privateKey, new Uint8Array(data));
  return new Uint8Array(signature);
}

/** Bits of RFC 5280 §4.2.1.3 in the first byte. */
export const KEY_USAGE = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 } as const;

export interface CertificatePlan {
  readonly subject: string;
  readonly key: FakeKey;
  readonly issuer: { readonly subject: string; readonly key: FakeKey };
  readonly serial: number;
  /** Seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Null: no basic constraints, not a CA. */
  readonly ca: { readonly pathLength: number | null } | null;
  /** Null: the certificate does not say. */
  readonly keyUsage: number | null;
  readonly extensions: readonly RawExtension[];
}

export async function mintCertificate(plan: CertificatePlan): Promise<Bytes> {
  const { subject, key, issuer, serial, notBefore, notAfter } = plan;
  const fields = {
    subject,
    issuer: issuer.subject,
    serial: hexOf(serial),
    notBefore,
    notAfter,
    spki: key.spki,
  };
  return await issueCertificate({ ...fields, extensions: extensionsOf(plan) }, signerOf(issuer.key));
}

function signerOf({ kind, pair }: FakeKey): IssuingKey {
  return { key: pair.privateKey, algorithm: ALGORITHMS[kind] };
}

function hexOf(serial: number): string {
  const hex = serial.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

function extensionsOf({ ca, keyUsage, extensions }: CertificatePlan): readonly RawExtension[] {
  return [
    ...extensions,
    ...(ca === null ? [] : [basicConstraints(true, ca.pathLength ?? undefined)]),
    // All eight bits, as the plan has them: also none, which the library would not write.
    ...(keyUsage === null
      ? []
      : [{ oid: "2.5.29.15", critical: true, value: der.bitString(Uint8Array.of(keyUsage)) }]),
  ];
}

export interface CrlPlan {
  readonly issuer: { readonly subject: string; readonly key: FakeKey };
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers. */
  readonly revoked: readonly number[];
}

export async function mintCrl({ issuer, thisUpdate, nextUpdate, revoked }: CrlPlan): Promise<Bytes> {
  const fields = {
    issuer: issuer.subject,
    thisUpdate,
    nextUpdate,
    revoked: revoked.map(hexOf),
    extensions: [],
  };
  return await issueCrl(fields, signerOf(issuer.key));
}

export function toPem(der: Uint8Array, label = "CERTIFICATE"): string {
  const body = btoa(String.fromCharCode(...der)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}

/** `bytes` with one bit flipped: index 0 is the lowest bit of the first byte. */
export function flipBit(bytes: Uint8Array, bit: number): Bytes {
  const flipped = concatBytes(bytes);
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}
