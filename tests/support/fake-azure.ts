/** A confidential VM of Azure's shape on hardware of our own: a paravisor's report, a vTPM, and its quote. */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { mintKey, signRaw, type FakeKey } from "./fake-x509.ts";

type Bytes = Uint8Array<ArrayBuffer>;

let keys: Promise<Readonly<Record<"attestationKey" | "stranger", FakeKey>>> | undefined;

async function mintKeys(): Promise<Readonly<Record<"attestationKey" | "stranger", FakeKey>>> {
  const [attestationKey, stranger] = await Promise.all([mintKey("RSA"), mintKey("RSA")]);
  return { attestationKey, stranger };
}

/** Integers, little-endian in the HCL report and big-endian in the TPM's structures. */
const le32 = (value: number): Bytes =>
  Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
const be32 = (value: number): Bytes => le32(value).reverse();
const be16 = (value: number): Bytes => Uint8Array.of(value >> 8, value & 0xff);

export const PCRS: readonly Bytes[] = Array.from({ length: 24 }, (_, index) =>
  new Uint8Array(32).fill(index + 1),
);

export interface AzurePlan {
  readonly hardware: "snp" | "tdx";
  /** Runtime claims, given those with the vTPM's key. */
  readonly claims: (claims: Readonly<Record<string, unknown>>) => unknown;
  readonly hclSignature: string;
  /** Of the report, and of the request in it. */
  readonly version: number;
  readonly requestVersion: number;
  readonly reportType: number;
  readonly hashType: number;
  readonly trailing: Uint8Array;
  readonly extraData: Uint8Array;
  readonly selected: readonly number[];
  readonly pcrs: readonly Bytes[];
  readonly pcrDigest: Uint8Array | null;
  readonly magic: number;
  readonly attestType: number;
  readonly pcrBank: number;
  readonly quoteTrailing: Uint8Array;
  readonly signer: "attestationKey" | "stranger";
}

export function azurePlan(changes: Partial<AzurePlan> = {}): AzurePlan {
  return {
    hardware: "snp",
    claims: (claims) => claims,
    hclSignature: "HCLA",
    version: 2,
    requestVersion: 1,
    reportType: changes.hardware === "tdx" ? 4 : 2,
    hashType: 1,
    trailing: new Uint8Array(300),
    extraData: toUtf8("nonce"),
    selected: [0, 1, 2, 7, 11, 23],
    pcrs: PCRS,
    pcrDigest: null,
    magic: 0xff544347,
    attestType: 0x8018,
    pcrBank: 0x000b,
    quoteTrailing: new Uint8Array(),
    signer: "attestationKey",
    ...changes,
  };
}

/** The claims whose hash the hardware's report data must be. */
export async function runtimeClaims(plan: AzurePlan): Promise<Bytes> {
  keys ??= mintKeys();
  const { attestationKey } = await keys;
  const jwk = await crypto.subtle.exportKey("jwk", attestationKey.pair.publicKey);
  const claims = plan.claims({
    keys: [
      { kid: "HCLEkPub", kty: "RSA", n: "AQAB", e: "AQAB" },
      { kid: "HCLAkPub", kty: "RSA", key_ops: ["sign"], n: jwk.n, e: jwk.e },
    ],
    "vm-configuration": { "secure-boot": true, vmUniqueId: "00000000-0000-0000-0000-000000000001" },
    "user-data": "00".repeat(64),
  });
  return toUtf8(typeof claims === "string" ? claims : JSON.stringify(claims));
}

export interface AzureParts {
  readonly hclReport: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
  readonly pcrs: readonly Bytes[];
}

/** The parts around a hardware report whose report data is the hash of `runtimeClaims(plan)`. */
export async function mintAzureParts(plan: AzurePlan, hardwareReport: Uint8Array): Promise<AzureParts> {
  keys ??= mintKeys();
  const claims = await runtimeClaims(plan);
  const report = new Uint8Array(1184);
  report.set(hardwareReport.subarray(0, 1184));
  const hclReport = concatBytes(
    toUtf8(plan.hclSignature),
    le32(plan.version),
    new Uint8Array(24),
    report,
    ...[claims.length + 20, plan.requestVersion, plan.reportType, plan.hashType, claims.length].map(le32),
    claims,
    plan.trailing,
  );
  const message = quoteMessage(plan);
  const signature = await signRaw((await keys)[plan.signer], message);
  return { hclReport, message, signature, pcrs: plan.pcrs };
}

/** TPM 2.0 Part 2, §10.12.12. */
function quoteMessage(plan: AzurePlan): Bytes {
  const bitmap = new Uint8Array(3);
  for (const index of plan.selected) bitmap[index >> 3]! |= 1 << (index & 7);
  const digest = plan.pcrDigest ?? sha256(concatBytes(...plan.selected.map((index) => PCRS[index]!)));
  return concatBytes(
    be32(plan.magic),
    be16(plan.attestType),
    be16(4),
    Uint8Array.of(0, 0x0b, 1, 2),
    be16(plan.extraData.length),
    plan.extraData,
    new Uint8Array(17 + 8),
    be32(1),
    be16(plan.pcrBank),
    Uint8Array.of(bitmap.length),
    bitmap,
    be16(digest.length),
    digest,
    plan.quoteTrailing,
  );
}

const bare = (bytes: Uint8Array): string => toHex(bytes).slice(2);
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const base64Url = (bytes: Uint8Array): string =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** Version 1 of the JSON: hex for the quote, base64url for the rest. */
export function toAzureJson(
  { hclReport, message, signature, pcrs }: AzureParts,
  more: Readonly<Record<string, Uint8Array>> = {},
): Record<string, unknown> {
  return {
    version: 1,
    hcl_report: base64Url(hclReport),
    tpm_quote: { message: bare(message), signature: bare(signature), pcrs: pcrs.map(bare) },
    ...Object.fromEntries(Object.entries(more).map(([name, bytes]) => [name, base64Url(bytes)])),
  };
}

/** Version 0: arrays of bytes, and PEM. */
export function toAzureJsonVersion0(
  { hclReport, message, signature, pcrs }: AzureParts,
  vcek: string,
): Record<string, unknown> {
  return {
    report: [...hclReport],
    quote: { message: [...message], signature: [...signature], pcrs: pcrs.map((pcr) => [...pcr]) },
    vcek,
  };
}
