/** Mints keys, certificates and revocation lists of any vendor's shape, right or wrong in one place. */

import { concatBytes } from "../../protocol/bytes.ts";
import {
  bitString,
  booleanTrue,
  der,
  explicit,
  integer,
  octetString,
  oid,
  sequence,
  set,
  time,
  utf8String,
} from "./der-writer.ts";

type Bytes = Uint8Array<ArrayBuffer>;
/** The DOM's CryptoKey, which this project's TypeScript libraries do not name. */
type KeyHandle = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
interface KeyPair {
  readonly privateKey: KeyHandle;
  readonly publicKey: KeyHandle;
}

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
  readonly pair: KeyPair;
  readonly spki: Bytes;
}

export async function mintKey(kind: FakeKeyKind): Promise<FakeKey> {
  const algorithm = { ...ALGORITHMS[kind], modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as KeyPair;
  const exported = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  return { kind, pair, spki: exported };
}

/** r ‖ s for ECDSA, raw for RSA: as WebCrypto gives it. */
export async function signRaw(key: FakeKey, data: Uint8Array): Promise<Bytes> {
  const signature = await crypto.subtle.sign(ALGORITHMS[key.kind], key.pair.privateKey, new Uint8Array(data));
  return new Uint8Array(signature);
}

async function signForX509(key: FakeKey, data: Bytes): Promise<Bytes> {
  const raw = await signRaw(key, data);
  if (!key.kind.startsWith("P-")) return raw;
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

const SHA384 = sequence(oid("2.16.840.1.101.3.4.2.2"), Uint8Array.of(0x05, 0x00));
const PSS_SHA384 = sequence(
  oid("1.2.840.113549.1.1.10"),
  sequence(
    explicit(0, SHA384),
    explicit(1, sequence(oid("1.2.840.113549.1.1.8"), SHA384)),
    explicit(2, integer(48)),
  ),
);

const SIGNATURE_ALGORITHM: Readonly<Record<FakeKeyKind, Bytes>> = {
  "P-256": sequence(oid("1.2.840.10045.4.3.2")),
  "P-384": sequence(oid("1.2.840.10045.4.3.3")),
  "RSA-PSS": PSS_SHA384,
  RSA: sequence(oid("1.2.840.113549.1.1.11"), Uint8Array.of(0x05, 0x00)),
};

export function name(commonName: string): Bytes {
  return sequence(set(sequence(oid("2.5.4.3"), utf8String(commonName))));
}

export interface FakeExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
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
  readonly extensions: readonly FakeExtension[];
}

export async function mintCertificate(plan: CertificatePlan): Promise<Bytes> {
  const algorithm = SIGNATURE_ALGORITHM[plan.issuer.key.kind];
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(plan.serial),
    algorithm,
    name(plan.issuer.subject),
    sequence(time(plan.notBefore), time(plan.notAfter)),
    name(plan.subject),
    plan.key.spki,
    ...extensionsOf(plan),
  );
  return sequence(tbs, algorithm, bitString(await signForX509(plan.issuer.key, tbs)));
}

function extensionsOf({ ca, keyUsage, extensions }: CertificatePlan): readonly Bytes[] {
  const all: FakeExtension[] = [...extensions];
  if (ca !== null) {
    const pathLength = ca.pathLength === null ? [] : [integer(ca.pathLength)];
    all.push({ oid: "2.5.29.19", critical: true, value: sequence(booleanTrue(), ...pathLength) });
  }
  if (keyUsage !== null) {
    all.push({ oid: "2.5.29.15", critical: true, value: der(0x03, Uint8Array.of(0, keyUsage)) });
  }
  const encoded = all.map((extension) =>
    sequence(
      oid(extension.oid),
      ...(extension.critical ? [booleanTrue()] : []),
      octetString(extension.value),
    ),
  );
  return encoded.length === 0 ? [] : [explicit(3, sequence(...encoded))];
}

export interface CrlPlan {
  readonly issuer: { readonly subject: string; readonly key: FakeKey };
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers. */
  readonly revoked: readonly number[];
}

export async function mintCrl(plan: CrlPlan): Promise<Bytes> {
  const algorithm = SIGNATURE_ALGORITHM[plan.issuer.key.kind];
  const entries = plan.revoked.map((serial) => sequence(integer(serial), time(plan.thisUpdate)));
  const tbs = sequence(
    integer(1),
    algorithm,
    name(plan.issuer.subject),
    time(plan.thisUpdate),
    time(plan.nextUpdate),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  );
  return sequence(tbs, algorithm, bitString(await signForX509(plan.issuer.key, tbs)));
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
