/**
 * Attestation results of third parties: a JWT in which somebody says what they found of evidence that we do not see.
 *
 * Source: RFC 7519 (JWT), RFC 7515 (JWS); draft-ietf-rats-ear; Google Cloud, "Confidential Space token claims"; Microsoft,
 * "Azure Attestation token claims"; Intel Trust Authority, "Attestation tokens"; NVIDIA NRAS v3 (detached EAT).
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { fromBase64Url } from "../../protocol/base64.ts";
import { fromUtf8, toHex, toUtf8 } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { parseJsonEvidence, tryParseJsonEvidence } from "../evidence/json-evidence.ts";

/** Known issuers of such tokens, by the form; the signature tells whether it is theirs. */
export type ResultScheme =
  "gcpConfidentialSpace" | "azureMaa" | "intelTrustAuthority" | "nvidiaNras" | "ear" | "other";

export type ResultClaims = Readonly<Record<string, unknown>>;

/** A token of the right form, whose signature nobody looked at. */
export interface ResultToken {
  readonly scheme: ResultScheme;
  /** `iss`. */
  readonly issuer: string;
  readonly claims: ResultClaims;
  readonly header: Readonly<Record<string, unknown>>;
  readonly compact: string;
  /** Tokens beside it to which its `submods` commit, by name (NRAS). */
  readonly detached: Readonly<Record<string, ResultClaims>>;
}

/** Tokens have some kilobytes, those with a chain of certificates ten. */
const MAX_TOKEN_CHARACTERS = 256 * 1024;
const COMPACT = /^[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{2,}$/;
/** More than any node has devices. */
const MAX_DETACHED = 128;

/** Whether these bytes are of one of the forms. Throws nothing. */
export function isResultToken(bytes: Uint8Array): boolean {
  try {
    parseResultToken(bytes);
    return true;
  } catch {
    return false;
  }
}

/**
 * A token, alone, in JSON (`{"token": …}`), or as NRAS answers: an array of a token and of the tokens to which it commits.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED for what is no token, EVIDENCE_MALFORMED; EVIDENCE_BINDING_MISMATCH for a
 *   detached token of another digest
 */
export function parseResultToken(bytes: Uint8Array): ResultToken {
  const { compact, detached } = findToken(bytes);
  const header = decodePart(compact, 0);
  const claims = decodePart(compact, 1);
  const issuer = claims["iss"];
  if (typeof issuer !== "string" || issuer === "") throw malformed("the token does not say who issued it");
  return {
    scheme: schemeOf(issuer, claims),
    issuer,
    claims,
    header,
    compact,
    detached: checkDetached(claims, detached),
  };
}

interface FoundToken {
  readonly compact: string;
  readonly detached: Readonly<Record<string, string>>;
}

function findToken(bytes: Uint8Array): FoundToken {
  if (bytes.length > MAX_TOKEN_CHARACTERS) throw unknown("this is longer than any genuine token");
  const text = fromText(bytes).trim();
  if (COMPACT.test(text)) return { compact: text, detached: {} };
  const json = tryParseJsonEvidence(bytes);
  if (Array.isArray(json)) return fromDetachedBundle(json);
  const token = typeof json === "object" && json !== null && "token" in json ? json.token : undefined;
  if (typeof token === "string" && COMPACT.test(token)) return { compact: token, detached: {} };
  throw unknown("this is no token: three parts in base64url with dots between");
}

/** NRAS: `[["JWT", token], { "GPU-0": token, … }]`. */
function fromDetachedBundle([head, tail = {}]: readonly unknown[]): FoundToken {
  const [mark, compact] = Array.isArray(head) ? (head as readonly unknown[]) : [];
  if (mark !== "JWT" || typeof compact !== "string" || !COMPACT.test(compact))
    throw unknown("this is no bundle of tokens");
  if (typeof tail !== "object" || tail === null) throw unknown("this is no bundle of tokens");
  const detached = Object.entries(tail);
  if (detached.length > MAX_DETACHED || detached.some(([, token]) => typeof token !== "string"))
    throw unknown("this is no bundle of tokens");
  return { compact, detached: Object.fromEntries(detached) };
}

/** Each must be the one whose SHA-256 the signed token names: `["DIGEST", ["SHA-256", hex]]`. */
function checkDetached(
  claims: ResultClaims,
  detached: Readonly<Record<string, string>>,
): Readonly<Record<string, ResultClaims>> {
  const submods = (claims["submods"] ?? {}) as Readonly<Record<string, unknown>>;
  const read = Object.entries(detached).map(([name, token]) => {
    const entry = Object.hasOwn(submods, name) ? submods[name] : undefined;
    const digest = JSON.stringify(["DIGEST", ["SHA-256", toHex(sha256(toUtf8(token))).slice(2)]]);
    if (JSON.stringify(entry) !== digest) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "a token of the bundle is not the one that the signed token names",
        details: { submod: name },
      });
    }
    return [name, decodePart(token, 1)] as const;
  });
  return Object.fromEntries(read);
}

function decodePart(compact: string, index: number): ResultClaims {
  const part = compact.split(".")[index] ?? "";
  let bytes: Uint8Array;
  try {
    bytes = fromBase64Url(part);
  } catch (cause) {
    throw malformed("a part of the token is not base64url", cause);
  }
  const value = parseJsonEvidence(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed("a part of the token is no JSON object");
  return value as ResultClaims;
}

function schemeOf(issuer: string, claims: ResultClaims): ResultScheme {
  if (issuer === "https://confidentialcomputing.googleapis.com") return "gcpConfidentialSpace";
  if (/^https:\/\/[a-z0-9.-]+\.attest\.azure\.net$/.test(issuer)) return "azureMaa";
  if (/^https:\/\/portal\.(?:eu\.)?trustauthority\.intel\.com$/.test(issuer)) return "intelTrustAuthority";
  if (issuer === "https://nras.attestation.nvidia.com") return "nvidiaNras";
  const profile = claims["eat_profile"];
  return typeof profile === "string" && profile.endsWith("/ear") ? "ear" : "other";
}

function fromText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw unknown("this is no token: it is not text", cause);
  }
}

/** Nothing is shown of what is no token at all. */
function unknown(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message, cause });
}

function malformed(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, cause });
}
