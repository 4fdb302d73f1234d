/** The receipt's twin (docs/reference/protocol.md, Receipt twin): a COSE_Sign1 with EAT claims. */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as z from "zod";
import { addressOfPublicKey, Answer } from "../../protocol/answer.ts";
import { concatBytes, equalBytes, fromHex, toHex } from "../../protocol/bytes.ts";
import {
  COSE_CLAIM,
  COSE_HEADER,
  COSE_KEY,
  COSE_SIGN1_TAG_HEAD,
  coseToBeSigned,
  encodeCoseClaims,
  encodeCoseHeader,
  type CoseStatement,
} from "../../protocol/cose-receipt.ts";
import { FunctionsDomain, OffChainDomain, OnChainDomain } from "../../protocol/domain.ts";
import { EvidenceError, type ErrorDetails, type EvidenceErrorCode } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import { keysetId, Keyset } from "../../protocol/keyset.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { decodeCbor, isBytes, isMap, type CborLimits, type CborValue } from "../encoding/cbor.ts";
import type { Check } from "../evidence/verified-evidence.ts";

export { isCoseReceipt } from "./looks-like-receipt.ts";

/** Bytes: a twin has about 900; what transparency services attach to it may be some kilobytes each. */
export const MAX_COSE_RECEIPT_BYTES = 65_536;

const LIMITS: CborLimits = {
  maxBytes: MAX_COSE_RECEIPT_BYTES,
  maxDepth: 4,
  maxItems: 128,
  containers: "definite",
};

const SIGNATURE_BYTES = 64;

/** A file of the right form, whose signature nobody looked at. */
export interface CoseReceipt {
  readonly statement: CoseStatement;
  /** Of `cnf`: 65 bytes, 0x04 first. */
  readonly publicKey: Uint8Array;
  /** r ‖ s, 32 bytes each, big-endian. */
  readonly signature: Uint8Array;
  readonly toBeSigned: Uint8Array;
  /** Receipts of transparency services (RFC 9942), which stand outside the signature and are not judged here. */
  readonly attachedReceipts: number;
}

export interface VerifiedCoseReceipt extends CoseReceipt {
  readonly checks: readonly Check[];
}

/**
 * A twin from the file's bytes. Holds on return: its form, to the byte. Nothing in it is verified.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED for any other claims, or the same in another encoding
 */
export function parseCoseReceipt(file: Uint8Array): CoseReceipt {
  const bytes = new Uint8Array(file);
  if (bytes[0] !== COSE_SIGN1_TAG_HEAD) throw malformed("a COSE_Sign1 with its tag is expected");
  const parts = decodeCbor(bytes.subarray(1), LIMITS);
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed("a COSE_Sign1 is an array of four");
  const [header, unprotected, claims, signature] = parts as readonly CborValue[];
  if (!isBytes(header) || !isBytes(claims)) throw malformed("header and claims are byte strings");
  if (!isBytes(signature) || signature.length !== SIGNATURE_BYTES)
    throw malformed("an ES256K signature is 64 bytes long");
  const read = decodeCbor(claims, LIMITS);
  const statement = readStatement(decodeCbor(header, LIMITS), read);
  const publicKey = readPublicKey(read);
  // Header and claims have one spelling: further fields, or another order, are refused.
  const same =
    equalBytes(encodeCoseHeader(statement), header) &&
    equalBytes(encodeCoseClaims(statement, publicKey), claims);
  if (!same) throw malformed("header and claims are not those of a receipt, in deterministic encoding");
  return {
    statement,
    publicKey,
    signature,
    toBeSigned: coseToBeSigned(header, claims),
    attachedReceipts: countReceipts(unprotected),
  };
}

/**
 * Verifies a twin by itself.
 *
 * Holds on return: the statement was signed by the answer key of the keyset that it names.
 * Leaves to the caller: that evidence vouches for the keyset and that output and transcript are those of the hashes, which
 * the receipt file shows (`verifyReceipt`, then `checkSameStatement`).
 *
 * @throws {EvidenceError} `details.check` names the step that does not hold
 */
export function verifyCoseReceipt(file: Uint8Array): VerifiedCoseReceipt {
  const parsed = parseCoseReceipt(file);
  const { statement, publicKey, signature, toBeSigned, attachedReceipts } = parsed;
  const { keyset, answer } = statement;
  const actual = keysetId(keyset);
  if (actual !== answer.keysetId) {
    const message = "the keyset is not the one that the statement names";
    throw failure("keyset", { message, details: { expected: answer.keysetId, actual } });
  }
  const signer = addressOfPublicKey(publicKey);
  if (signer !== keyset.answerKey) {
    const message = "the confirmation key is not the keyset's answer key";
    throw failure("key", { message, details: { expected: keyset.answerKey, actual: signer } });
  }
  // False, too, for a key that is no point of the curve.
  if (!secp256k1.verify(signature, toBeSigned, publicKey)) {
    const message = "it is not a low-s ES256K signature of the keyset's answer key";
    throw failure("signature", { code: "EVIDENCE_SIGNATURE_INVALID", message });
  }
  const outside = attachedReceipts === 0 ? "" : `; ${attachedReceipts} receipts attached, not judged`;
  return {
    ...parsed,
    checks: [
      passed("format", `COSE_Sign1 with EAT claims, ${file.length} bytes${outside}`),
      passed("keyset", actual),
      passed("key", "the confirmation key is the keyset's answer key"),
      passed("signature", `ES256K by ${signer}, answeredAt ${answer.answeredAt}`),
    ],
  };
}

function passed(name: string, detail: string): Check {
  return { name, ok: true, detail };
}

/**
 * The twin says what the receipt says: domain, answer, keyset and evidence, each field.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH; `details.field` names the first that differs
 */
export function checkSameStatement({ statement }: VerifiedCoseReceipt, receipt: Receipt): Check {
  const said = flatten(statement);
  const expected = flatten({
    domain: receipt.domain,
    answer: receipt.answer,
    keyset: receipt.keyset,
    evidenceHash: toHex(sha256(fromHex(receipt.evidence.bytes))),
  });
  for (const field of new Set([...expected.keys(), ...said.keys()])) {
    const [here, there] = [said.get(field) ?? null, expected.get(field) ?? null];
    if (here !== there) {
      const message = "the receipt states something else";
      throw failure("statement", { message, details: { field, expected: there, actual: here } });
    }
  }
  return passed("statement", `${expected.size} fields, equal to the receipt's`);
}

function flatten({ domain, answer, keyset, evidenceHash }: CoseStatement): ReadonlyMap<string, string> {
  const named = (prefix: string, fields: object): [string, string][] =>
    Object.entries(fields).map(([name, value]) => [`${prefix}.${name}`, String(value)]);
  return new Map([
    ...named("domain", domain),
    ...named("answer", answer),
    ...named("keyset", keyset),
    ["evidenceHash", evidenceHash],
  ]);
}

/** Each part is read by the schema of the receipt file, so that no second set of rules says what a field may hold. */
const Statement = z.strictObject({
  domain: z.union([OnChainDomain, OffChainDomain, FunctionsDomain]),
  answer: Answer,
  keyset: Keyset,
  evidenceHash: bytes32,
});

function readStatement(header: CborValue, claims: CborValue): CoseStatement {
  if (!isMap(header) || !isMap(claims)) throw malformed("header and claims are maps");
  const claim = (label: number): unknown => toJson(claims.get(label));
  const result = Statement.safeParse({
    domain: readDomain(claims.get(COSE_CLAIM.domain)),
    answer: {
      requestId: claim(COSE_CLAIM.cti),
      status: claim(COSE_CLAIM.status),
      outputHash: claim(COSE_CLAIM.outputHash),
      transcriptRoot: claim(COSE_CLAIM.transcriptRoot),
      stateBlockHash: claim(COSE_CLAIM.stateBlockHash),
      keysetId: toJson(header.get(COSE_HEADER.kid)),
      answeredAt: toDecimal(claims.get(COSE_CLAIM.iat)),
    },
    keyset: toJson(claims.get(COSE_CLAIM.keyset)),
    evidenceHash: claim(COSE_CLAIM.evidenceHash),
  });
  if (result.success) return result.data;
  throw malformed(`the claims are not a receipt's: ${z.prettifyError(result.error)}`);
}

/** The chain's id has 32 bytes here and is a decimal string there. */
function readDomain(claim: CborValue | undefined): unknown {
  const domain = toJson(claim);
  if (!isMap(claim)) return domain;
  const chainId = claim.get("chainId");
  return isBytes(chainId) && chainId.length === 32
    ? { ...(domain as object), chainId: BigInt(toHex(chainId)).toString() }
    : domain;
}

function toDecimal(value: CborValue | undefined): string | undefined {
  return typeof value === "number" || typeof value === "bigint" ? value.toString() : undefined;
}

/** Byte strings become hex and maps objects, as the receipt file has them. */
function toJson(value: CborValue | undefined): unknown {
  if (isBytes(value)) return toHex(value);
  if (!isMap(value)) return value;
  return Object.fromEntries([...value].map(([name, inner]) => [name, toJson(inner)]));
}

/** The coordinates of `cnf`'s COSE_Key; what else stands there is compared with the only spelling that there is. */
function readPublicKey(claims: CborValue): Uint8Array<ArrayBuffer> {
  const inside = (map: CborValue | undefined, label: number): CborValue | undefined =>
    isMap(map) ? map.get(label) : undefined;
  const key = inside(inside(claims, COSE_CLAIM.cnf), 1);
  const [x, y] = [inside(key, COSE_KEY.x), inside(key, COSE_KEY.y)];
  if (!isBytes(x) || !isBytes(y) || x.length !== 32 || y.length !== 32)
    throw malformed("the confirmation key has two coordinates of 32 bytes");
  return concatBytes(Uint8Array.of(0x04), x, y);
}

/** RFC 9942 §5.1: the one thing that may be added to a statement after it was signed. */
function countReceipts(unprotected: CborValue | undefined): number {
  if (!isMap(unprotected)) throw malformed("the unprotected header is a map");
  if (unprotected.size === 0) return 0;
  const receipts = unprotected.get(COSE_HEADER.receipts);
  if (unprotected.size > 1 || !Array.isArray(receipts) || !receipts.every(isBytes))
    throw malformed("the unprotected header is not signed: it may hold attached receipts and nothing else");
  return receipts.length;
}

function malformed(message: string): EvidenceError {
  return failure("format", { code: "EVIDENCE_MALFORMED", message });
}

interface Failure {
  readonly code?: EvidenceErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

function failure(check: string, { code, message, details }: Failure): EvidenceError {
  return new EvidenceError({
    code: code ?? "EVIDENCE_BINDING_MISMATCH",
    message: `receipt twin, ${check}: ${message}`,
    details: { check, ...details },
  });
}
