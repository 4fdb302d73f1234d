/** The content of endorsement files, sorted by kind. Nothing in it is authenticated: `verifyEvidence` does that. */

import * as z from "zod";
import { decodeBase64Text, decodeHexText } from "../../encoding/encoded-text.ts";
import { intelCollateralSchema, type IntelCollateral } from "../../intel/intel-endorsements.ts";
import { parseAmdCertificateTable } from "../../amd/amd-endorsements.ts";
import { withoutByteOrderMark } from "../../evidence/json-evidence.ts";
import { splitSignedResponse } from "../../intel/signed-json.ts";
import type { Certificate } from "../../x509/certificate.ts";
import type { Crl } from "../../x509/crl.ts";
import { isOcspResponse, parseOcspResponse, type OcspResponse } from "../../x509/ocsp.ts";
import { parseCertificates, parseCrls } from "../../x509/pem-or-der.ts";
import { fromBase64, splitPem } from "../../x509/pem.ts";
import { fromUtf8, toUtf8 } from "../../../protocol/bytes.ts";
import { parseJson, type Json } from "../../../protocol/canonical-json.ts";
import { AdytonError, EndorsementError } from "../../../protocol/errors.ts";
import { findRepeatedMember } from "../../../protocol/unique-members.ts";
import type { NamedFile } from "./named-file.ts";

/** A signed document of Intel's as PCS serves it: its exact text, and the signature over that. */
export interface SignedText {
  readonly text: string;
  readonly signature: string;
}

/** A list and the bytes it was read from. */
export interface PooledCrl {
  readonly crl: Crl;
  readonly der: Uint8Array<ArrayBuffer>;
}

export interface EndorsementPool {
  readonly collaterals: readonly IntelCollateral[];
  readonly tcbInfos: readonly SignedText[];
  readonly qeIdentities: readonly SignedText[];
  readonly certificates: readonly Certificate[];
  readonly crls: readonly PooledCrl[];
  readonly ocsp: readonly OcspResponse[];
}

const EMPTY: EndorsementPool = {
  collaterals: [],
  tcbInfos: [],
  qeIdentities: [],
  certificates: [],
  crls: [],
  ocsp: [],
};

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED naming the file: a revocation list is never skipped because it cannot be read */
export function poolFiles(files: readonly NamedFile[]): EndorsementPool {
  return merge(files.map(poolFile));
}

function merge(pools: readonly EndorsementPool[]): EndorsementPool {
  return {
    collaterals: pools.flatMap((pool) => pool.collaterals),
    tcbInfos: pools.flatMap((pool) => pool.tcbInfos),
    qeIdentities: pools.flatMap((pool) => pool.qeIdentities),
    certificates: pools.flatMap((pool) => pool.certificates),
    crls: pools.flatMap((pool) => pool.crls),
    ocsp: pools.flatMap((pool) => pool.ocsp),
  };
}

function poolFile({ name, bytes: raw }: NamedFile): EndorsementPool {
  const bytes = withoutByteOrderMark(raw);
  try {
    return isJson(bytes) ? poolJsonText(bytes) : poolX509(bytes);
  } catch (cause) {
    if (!(cause instanceof AdytonError)) throw cause;
    throw new EndorsementError({
      code: "ENDORSEMENT_MALFORMED",
      message: `cannot read ${name}: ${cause.message}`,
      details: { file: name },
      cause,
    });
  }
}

/** A bundle that names a member twice holds two lists of revoked certificates, of which `JSON.parse` takes the last. */
function poolJsonText(bytes: Uint8Array): EndorsementPool {
  const json = parseJson(bytes);
  const text = fromUtf8(bytes);
  const repeated = findRepeatedMember(text);
  if (repeated === undefined) return poolJson(json, () => text);
  throw new EndorsementError({
    code: "ENDORSEMENT_MALFORMED",
    message: `it names a member twice: ${repeated.slice(0, 100)}`,
  });
}

const JSON_START: ReadonlySet<number | undefined> = new Set([0x5b, 0x7b]);
const JSON_SPACE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

function isJson(bytes: Uint8Array): boolean {
  return JSON_START.has(bytes.find((byte) => !JSON_SPACE.has(byte)));
}

const pemText = z.string().regex(/-----BEGIN (?:CERTIFICATE|X509 CRL)-----/);
const tcbInfoResponse = z.looseObject({ tcbInfo: z.looseObject({}), signature: z.string() });
const qeIdentityResponse = z.looseObject({ enclaveIdentity: z.looseObject({}), signature: z.string() });

/**
 * QuoteCollateralV3, a response of PCS, or anything that holds such or PEM text: a list of bundles, a cloud's own form
 * of AMD's certificates, the answer of a guest agent. A response of PCS inside another document is taken as JSON writes
 * it; should Intel have signed another spelling, its signature will not fit.
 */
function poolJson(value: Json, textOf: () => string): EndorsementPool {
  const collateral = intelCollateralSchema.safeParse(value);
  if (collateral.success) return { ...EMPTY, collaterals: [collateral.data] };
  if (tcbInfoResponse.safeParse(value).success)
    return { ...EMPTY, tcbInfos: [splitSignedResponse("tcbInfo", textOf())] };
  if (qeIdentityResponse.safeParse(value).success)
    return { ...EMPTY, qeIdentities: [splitSignedResponse("enclaveIdentity", textOf())] };
  const pem = pemText.safeParse(value);
  if (pem.success) return poolX509(toUtf8(pem.data));
  if (typeof value === "string") return poolText(value);
  if (typeof value !== "object" || value === null) return EMPTY;
  if (isDerInNumbers(value)) return poolOrNone(() => poolDer(Uint8Array.from(value)));
  return merge(Object.values(value).map((member: Json) => poolJson(member, () => JSON.stringify(member))));
}

/** DER of a certificate or a list: a SEQUENCE with a length of two bytes. */
const DER_TEXT = /^MI[A-Za-z0-9+/_-]{200,}={0,2}$/;
const DER_HEX = /^(?:0x)?3082[0-9a-f]{300,}$/i;
/** A table of AMD's (GHCB §4.1.8.1) in base64: the GUID of its first entry is a VCEK's, an ASK's or an ARK's. */
const MAX_TABLE_TEXT = 128 * 1024;

/**
 * What a document carries encoded beside its evidence: a certificate or a list in DER, or a host's certificate table, as the
 * `auxblob` of configfs-tsm is. Text of another kind, and DER of something else, is none of these.
 */
function poolText(text: string): EndorsementPool {
  const digits = text.trim();
  return poolOrNone(() => {
    const hex = DER_HEX.test(digits) ? decodeHexText(digits) : undefined;
    if (hex !== undefined) return poolDer(hex);
    const isDer = DER_TEXT.test(digits);
    if (!isDer && (digits.length >= MAX_TABLE_TEXT || !BASE64_TEXT.test(digits))) return EMPTY;
    const bytes = decodeBase64Text(digits) ?? new Uint8Array();
    return isDer ? poolDer(bytes) : { ...EMPTY, certificates: parseAmdCertificateTable(bytes).certificates };
  });
}

/** DER as Rust's and Node's serialisers write it: an array of numbers. */
function isDerInNumbers(value: object): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value[0] === DER_SEQUENCE &&
    value[1] === DER_LENGTH_OF_TWO &&
    value.every((byte) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) <= 0xff)
  );
}

function poolOrNone(pool: () => EndorsementPool): EndorsementPool {
  try {
    return pool();
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return EMPTY;
  }
}

const BASE64_TEXT = /^[A-Za-z0-9+/_-]{512,}={0,2}$/;

const DER_SEQUENCE = 0x30;
const DER_LENGTH_OF_TWO = 0x82;

function poolX509(bytes: Uint8Array<ArrayBuffer>): EndorsementPool {
  if (bytes[0] === DER_SEQUENCE) return poolDer(bytes);
  const text = new TextDecoder("latin1").decode(bytes);
  const certificates = splitPem(text, "CERTIFICATE").map(fromBase64).flatMap(parseCertificates);
  const crls = splitPem(text, "X509 CRL").map(fromBase64).flatMap(poolCrl);
  if (certificates.length + crls.length > 0) return { ...EMPTY, certificates, crls };
  // A PCCS keeps and serves revocation lists as DER in hex.
  const hex = decodeHexText(text);
  if (hex?.[0] === DER_SEQUENCE) return poolDer(hex);
  throw new EndorsementError({
    code: "ENDORSEMENT_MALFORMED",
    message: "it is no certificate, revocation list, OCSP answer or JSON",
  });
}

function poolCrl(der: Uint8Array<ArrayBuffer>): readonly PooledCrl[] {
  return parseCrls(der).map((crl) => ({ crl, der }));
}

/** An OCSP answer, a CRL or a certificate: only one of them reads as such. */
function poolDer(bytes: Uint8Array<ArrayBuffer>): EndorsementPool {
  if (isOcspResponse(bytes)) return { ...EMPTY, ocsp: [parseOcspResponse(bytes)] };
  try {
    return { ...EMPTY, certificates: parseCertificates(bytes) };
  } catch {
    return { ...EMPTY, crls: poolCrl(bytes) };
  }
}
