/**
 * How evidence is bound to a keyset: reportData = sha256(claims) ‖ 32 zero bytes, claims being the CBOR map of the
 * CCC's interoperable RA-TLS in deterministic encoding. A contract rebuilds it from the same fixed template.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, equalBytes, fromHex, toHex, toUtf8, type Hex } from "./bytes.ts";
import { EvidenceError } from "./errors.ts";
import { addressWord, bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";

export interface Claims {
  /** 32 bytes from a verifier, or `admissionNonce`. */
  readonly nonce: Hex;
  readonly keysetId: Hex;
  /** SHA-256 of the TLS key's SubjectPublicKeyInfo. */
  readonly tlsKeyHash: Hex;
}

/** RFC 8949 §4.2.1 order: the shorter key first. Each value starts where its predecessor ends. */
const TEMPLATE = [
  concatBytes(fromHex("0xa365"), toUtf8("nonce"), fromHex("0x5820")),
  concatBytes(fromHex("0x66"), toUtf8("keyset"), fromHex("0x5820")),
  // A byte string that holds the CBOR array [1, hash]; 1 is sha-256 in the IANA named information registry.
  concatBytes(fromHex("0x6b"), toUtf8("pubkey-hash"), fromHex("0x582482015820")),
] as const;

export const CLAIMS_BYTES = 132;
export const REPORT_DATA_BYTES = 64;

export function encodeClaims({ nonce, keysetId, tlsKeyHash }: Claims): Uint8Array<ArrayBuffer> {
  const [beforeNonce, beforeKeyset, beforeKeyHash] = TEMPLATE;
  return concatBytes(
    beforeNonce,
    fromHex(nonce, 32),
    beforeKeyset,
    fromHex(keysetId, 32),
    beforeKeyHash,
    fromHex(tlsKeyHash, 32),
  );
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED for anything but the fixed template with its three values */
export function decodeClaims(bytes: Uint8Array): Claims {
  const values: Hex[] = [];
  let at = 0;
  for (const prefix of TEMPLATE) {
    if (!equalBytes(bytes.subarray(at, at + prefix.length), prefix)) break;
    values.push(toHex(bytes.subarray(at + prefix.length, at + prefix.length + 32)));
    at += prefix.length + 32;
  }
  const [nonce, keysetId, tlsKeyHash] = values;
  if (
    bytes.length !== CLAIMS_BYTES ||
    nonce === undefined ||
    keysetId === undefined ||
    tlsKeyHash === undefined
  ) {
    throw new EvidenceError({
      code: "EVIDENCE_MALFORMED",
      message: "claims are not the map of nonce, keyset and pubkey-hash in deterministic CBOR",
      details: { length: bytes.length },
    });
  }
  return { nonce, keysetId, tlsKeyHash };
}

/** The 64 bytes that the hardware signs. */
export function claimsReportData(claims: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(sha256(claims), new Uint8Array(REPORT_DATA_BYTES - 32));
}

export const ADMISSION_TYPEHASH = keccakText(
  "Admission(uint256 chainId,address registry,uint256 blockNumber,bytes32 blockHash)",
);

export interface AdmissionContext {
  readonly chainId: bigint;
  readonly registry: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

/** A nonce that a contract can check without a clock: nobody knew this block's hash before the block. */
export function admissionNonce({ chainId, registry, blockNumber, blockHash }: AdmissionContext): Hex {
  return hashWords(ADMISSION_TYPEHASH, [
    uintWord(chainId),
    addressWord(registry),
    uintWord(blockNumber),
    bytes32Word(blockHash),
  ]);
}
