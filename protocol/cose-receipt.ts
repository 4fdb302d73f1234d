/**
 * The receipt's twin: the signed statement as an Entity Attestation Token (RFC 9711) in COSE_Sign1 (RFC 9052), for systems
 * that read those (SCITT, RATS). Hashes only: neither prompt nor output is in it. Its form is docs/reference/protocol.md,
 * Receipt twin; that it is true is `verifyCoseReceipt` in attestation/receipt/cose-receipt.ts.
 */

import { secp256k1 } from "@noble/curves/secp256k1.js";
import { encode, rfc8949EncodeOptions } from "cborg";
import type { Answer } from "./answer.ts";
import { fromHex, type Hex } from "./bytes.ts";
import { OFF_CHAIN_DOMAIN_NAME, type Domain } from "./domain.ts";
import type { Keyset } from "./keyset.ts";
import { uintWord } from "./struct-hash.ts";

/** RFC 9782: a CWT that is an EAT. */
export const COSE_RECEIPT_MEDIA_TYPE = "application/eat+cwt";
/** RFC 9782: a claims set by itself, which is what the payload is. */
const CLAIMS_SET_MEDIA_TYPE = "application/eat-ucs+cbor";

/** What `eat_profile` names: these claims in this form. A UUID, since no registry gives names to anyone who asks. */
export const COSE_RECEIPT_PROFILE = "urn:uuid:2c9d5f0e-83b7-4f6a-9e41-5b0f7a1d64c2";

/** COSE header parameters: RFC 9052 §3.1; 15 of RFC 9597; 16 of RFC 9596; 394 of RFC 9942. */
export const COSE_HEADER = { alg: 1, contentType: 3, kid: 4, cwtClaims: 15, typ: 16, receipts: 394 } as const;

/** ECDSA on secp256k1 with SHA-256 (RFC 8812 §3.2). */
export const ES256K = -47;

/** CWT claims: RFC 8392 §4, cnf of RFC 8747, eat_profile of RFC 9711. Below -65536 the numbers are for private use. */
export const COSE_CLAIM = {
  iss: 1,
  sub: 2,
  iat: 6,
  cti: 7,
  cnf: 8,
  profile: 265,
  domain: -65537,
  status: -65538,
  outputHash: -65539,
  transcriptRoot: -65540,
  stateBlockHash: -65541,
  keyset: -65542,
  evidenceHash: -65543,
} as const;

/** COSE_Key (RFC 9052 §7, RFC 8812 §3.1): an EC2 key on secp256k1. */
export const COSE_KEY = { kty: 1, crv: -1, x: -2, y: -3, ec2: 2, secp256k1: 8 } as const;

/** COSE_Sign1's tag (RFC 9052 §4.2) in its one-byte head. */
export const COSE_SIGN1_TAG_HEAD = 0xd2;

/** What is said, by whom, on whose evidence. */
export interface CoseStatement {
  readonly domain: Domain;
  readonly answer: Answer;
  readonly keyset: Keyset;
  /** SHA-256 of the evidence that the enclave made at its start, as the transcript names it. */
  readonly evidenceHash: Hex;
}

type Cbor = number | bigint | string | Uint8Array | ReadonlyMap<number | string, Cbor>;

/** RFC 8949 §4.2.1: keys in order, lengths and integers in their shortest form. */
function toCbor(value: Cbor | readonly Cbor[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encode(value, rfc8949EncodeOptions));
}

/**
 * The protected header. Issuer and subject stand in it as well, where RFC 9943 (SCITT) looks for them.
 */
export function encodeCoseHeader({ answer }: Pick<CoseStatement, "answer">): Uint8Array<ArrayBuffer> {
  return toCbor(
    new Map<number, Cbor>([
      [COSE_HEADER.alg, ES256K],
      [COSE_HEADER.contentType, CLAIMS_SET_MEDIA_TYPE],
      [COSE_HEADER.kid, fromHex(answer.keysetId, 32)],
      [
        COSE_HEADER.cwtClaims,
        new Map([
          [COSE_CLAIM.iss, answer.keysetId],
          [COSE_CLAIM.sub, answer.requestId],
        ]),
      ],
      [COSE_HEADER.typ, COSE_RECEIPT_MEDIA_TYPE],
    ]),
  );
}

/** The claims. @param publicKey of the answer key: 65 bytes, 0x04 first */
export function encodeCoseClaims(statement: CoseStatement, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const { domain, answer, keyset, evidenceHash } = statement;
  const claims = new Map<number, Cbor>([
    [COSE_CLAIM.iat, answer.answeredAt],
    [COSE_CLAIM.cti, fromHex(answer.requestId, 32)],
    [COSE_CLAIM.cnf, new Map([[1, toCoseKey(publicKey)]])],
    [COSE_CLAIM.profile, COSE_RECEIPT_PROFILE],
    [COSE_CLAIM.domain, domainMap(domain)],
    [COSE_CLAIM.status, answer.status],
    [COSE_CLAIM.outputHash, fromHex(answer.outputHash, 32)],
    [COSE_CLAIM.transcriptRoot, fromHex(answer.transcriptRoot, 32)],
    [COSE_CLAIM.stateBlockHash, fromHex(answer.stateBlockHash, 32)],
    [COSE_CLAIM.keyset, keysetMap(keyset)],
    [COSE_CLAIM.evidenceHash, fromHex(evidenceHash, 32)],
  ]);
  return toCbor(claims);
}

function toCoseKey(publicKey: Uint8Array): Cbor {
  return new Map<number, Cbor>([
    [COSE_KEY.kty, COSE_KEY.ec2],
    [COSE_KEY.crv, COSE_KEY.secp256k1],
    [COSE_KEY.x, publicKey.subarray(1, 33)],
    [COSE_KEY.y, publicKey.subarray(33)],
  ]);
}

/** A chain's id is 32 bytes, whatever its size: CBOR would need two spellings for what may not fit 64 bits. */
function domainMap(domain: Domain): Cbor {
  const named: readonly [string, Cbor][] = [
    ["name", domain.name],
    ["version", domain.version],
  ];
  if (domain.name === OFF_CHAIN_DOMAIN_NAME) return new Map(named);
  return new Map([
    ...named,
    ["chainId", uintWord(domain.chainId)],
    ["verifyingContract", fromHex(domain.verifyingContract, 20)],
  ]);
}

function keysetMap(keyset: Keyset): Cbor {
  return new Map(Object.entries(keyset).map(([name, value]) => [name, fromHex(value)]));
}

/** Sig_structure (RFC 9052 §4.4), with empty external data. */
export function coseToBeSigned(header: Uint8Array, claims: Uint8Array): Uint8Array<ArrayBuffer> {
  return toCbor(["Signature1", header, new Uint8Array(), claims]);
}

/** The file: COSE_Sign1, tagged. Nothing is unprotected. @param signature 64 bytes, r ‖ s */
export function encodeCoseSign1(
  header: Uint8Array,
  claims: Uint8Array,
  signature: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const parts = toCbor([header, new Map(), claims, signature]);
  const file = new Uint8Array(parts.length + 1);
  file[0] = COSE_SIGN1_TAG_HEAD;
  file.set(parts, 1);
  return file;
}

/**
 * The file's bytes; the same for the same statement (RFC 6979).
 *
 * Leaves to the caller: that `privateKey` is the keyset's answer key, and that the keyset signed this statement already.
 */
export function signCoseReceipt(statement: CoseStatement, privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = encodeCoseHeader(statement);
  const claims = encodeCoseClaims(statement, secp256k1.getPublicKey(privateKey, false));
  const signature = secp256k1.sign(coseToBeSigned(header, claims), privateKey);
  return encodeCoseSign1(header, claims, signature);
}
