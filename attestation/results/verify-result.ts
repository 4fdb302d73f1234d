/** Did they say so, whom you believe? A result is somebody's word; no hardware vouches for it here. */

import { EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import { checkUnixSeconds, toIsoTime, type UnixSeconds } from "../time/unix-time.ts";
import { parseCertificate, type Certificate } from "../x509/certificate.ts";
import { verifyPath } from "../x509/path.ts";
import { fromBase64 } from "../x509/pem.ts";
import { createTrustAnchor } from "../x509/trust-anchor.ts";
import type { CryptoKey } from "jose";
import type { Believed } from "./result-policy.ts";
import { parseResultToken, type ResultClaims, type ResultScheme, type ResultToken } from "./result-token.ts";

/** Somebody's word, which is theirs. */
export interface VerifiedResult {
  readonly scheme: ResultScheme;
  /** Whose word it is. */
  readonly issuer: string;
  readonly claims: ResultClaims;
  /** Claims of tokens to which the signed one commits, by name. */
  readonly detached: Readonly<Record<string, ResultClaims>>;
  readonly issuedAt: UnixSeconds;
  readonly expiresAt: UnixSeconds;
  /** The key that signed it: its `kid`, or the certificate's name. */
  readonly signedBy: string;
}

export interface ResultContext {
  readonly believe: readonly Believed[];
  readonly now: UnixSeconds;
}

/** Asymmetric ones that issuers use. A list, so that a token cannot choose `none`, or a MAC with a public key for its secret. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

/** Seconds by which an issuer's clock may be ahead. */
const MAX_CLOCK_SKEW: UnixSeconds = 60;

/**
 * Verifies a token as the word of one whom the caller believes.
 *
 * Establishes: the issuer named in `believe` signed these claims, and they have not expired at `now`.
 * Leaves to the caller: what they say (`appraiseResult`); and everything that they rest on: the issuer looked at the
 * evidence, by rules of its own.
 *
 * @throws {EndorsementError} ENDORSEMENT_UNAVAILABLE when nobody in `believe` is its issuer, or none of the issuer's keys
 *   is the one that it names
 * @throws {EvidenceError} EVIDENCE_SIGNATURE_INVALID, EVIDENCE_CHAIN_*, EVIDENCE_STALE, EVIDENCE_NOT_YET_VALID,
 *   EVIDENCE_MALFORMED
 */
export async function verifyResult(bytes: Uint8Array, context: ResultContext): Promise<VerifiedResult> {
  checkUnixSeconds(context.now);
  const token = parseResultToken(bytes);
  const { scheme, issuer, claims, detached } = token;
  const believed = context.believe.filter((candidate) => candidate.issuer === issuer);
  if (believed.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: `this is the word of ${issuer}, whom the policy does not name among those it believes`,
      details: { issuer, scheme },
    });
  }
  const signedBy = await checkToken(token, believed, context.now);
  const { issuedAt, expiresAt } = checkTimes(claims, context.now);
  return { scheme, issuer, claims, detached, issuedAt, expiresAt, signedBy };
}

async function checkToken(
  token: ResultToken,
  believed: readonly Believed[],
  now: UnixSeconds,
): Promise<string> {
  const { header } = token;
  const algorithm = ALGORITHMS.find((known) => known === header["alg"]);
  if (algorithm === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_UNSUPPORTED",
      message: "the token is signed with an algorithm that no issuer of results uses",
      details: { alg: typeof header["alg"] === "string" ? header["alg"] : "absent" },
    });
  }
  const roots = believed.flatMap((one) => one.roots);
  if (Array.isArray(header["x5c"]) && roots.length > 0) {
    const leaf = await verifyChain(header["x5c"], roots, now);
    const { importSPKI } = await import("jose");
    await checkJws(token, algorithm, [() => importSPKI(toPem(leaf.publicKey.spki), algorithm)]);
    return leaf.label;
  }
  const kid = typeof header["kid"] === "string" ? header["kid"] : undefined;
  const keys = believed.flatMap((one) => one.keys).filter((key) => kid === undefined || key["kid"] === kid);
  if (keys.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_UNAVAILABLE",
      message: "the policy has no key of the issuer by the name that the token gives",
      details: { issuer: token.issuer, kid: kid ?? "absent" },
    });
  }
  const { importJWK } = await import("jose");
  await checkJws(
    token,
    algorithm,
    keys.map((key) => () => importJWK(key, algorithm)),
  );
  return kid ?? "a key that the policy names";
}

/** The token names its algorithm, and a key that is not of it cannot be loaded: such a key has signed nothing, and says nothing. */
async function checkJws(
  { compact, issuer }: ResultToken,
  algorithm: string,
  keys: readonly (() => Promise<CryptoKey | Uint8Array>)[],
): Promise<void> {
  const { compactVerify } = await import("jose");
  const loaded = await Promise.allSettled(keys.map((load) => load()));
  const fitting = loaded.flatMap((key) => (key.status === "fulfilled" ? [key.value] : []));
  if (fitting.length === 0) {
    throw new EndorsementError({
      code: "ENDORSEMENT_MISMATCH",
      message: `no key of the issuer is one for ${algorithm}`,
      details: { issuer, alg: algorithm },
    });
  }
  for (const key of fitting) {
    try {
      await compactVerify(compact, key, { algorithms: [algorithm] });
      return;
    } catch {
      // Another of the issuer's keys may have signed it.
    }
  }
  throw new EvidenceError({
    code: "EVIDENCE_SIGNATURE_INVALID",
    message: "no key that the policy names for the issuer signed this token",
  });
}

/** Chains have three. */
const MAX_CHAIN = 8;

async function verifyChain(
  x5c: readonly unknown[],
  roots: readonly `0x${string}`[],
  now: UnixSeconds,
): Promise<Certificate> {
  if (x5c.length > MAX_CHAIN) throw malformed("the token brings too many certificates");
  const [leaf, ...pool] = x5c.map((text) => {
    if (typeof text !== "string") throw malformed("a certificate of the token is no text");
    return parseCertificate(fromBase64(text));
  });
  if (leaf === undefined) throw malformed("the token brings no certificate");
  await verifyPath(leaf, {
    pool,
    roots: roots.map((root) => createTrustAnchor("a root that the policy names", root)),
    now,
    revocation: { notPublished: "the policy names the roots, and no lists" },
  });
  return leaf;
}

function toPem(spki: Uint8Array): string {
  const body = btoa(String.fromCharCode(...spki)).replace(/.{64}/g, "$&\n");
  return `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----`;
}

function checkTimes(
  claims: ResultClaims,
  now: UnixSeconds,
): { readonly issuedAt: UnixSeconds; readonly expiresAt: UnixSeconds } {
  const issuedAt = toTime(claims["iat"], "iat");
  const expiresAt = toTime(claims["exp"], "exp");
  const notBefore = claims["nbf"] === undefined ? issuedAt : toTime(claims["nbf"], "nbf");
  const details = { issuedAt: toIsoTime(issuedAt), expiresAt: toIsoTime(expiresAt), now: toIsoTime(now) };
  if (now >= expiresAt)
    throw new EvidenceError({ code: "EVIDENCE_STALE", message: "the result has expired", details });
  if (now + MAX_CLOCK_SKEW < Math.max(issuedAt, notBefore)) {
    throw new EvidenceError({
      code: "EVIDENCE_NOT_YET_VALID",
      message: "the result is from the future: one of the two clocks is wrong",
      details,
    });
  }
  return { issuedAt, expiresAt };
}

/** A result that says no time says nothing about any. */
function toTime(value: unknown, name: string): UnixSeconds {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0 || value > 253_402_300_799)
    throw malformed(`the token's ${name} is no time`);
  return Math.floor(value);
}

function malformed(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message });
}
