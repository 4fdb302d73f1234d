/** The public half of an enclave's identity: its keys, what it runs, and who is paid for it. */

import { sha256 } from "@noble/hashes/sha2.js";
import * as z from "zod";
import { toHex, type Hex } from "./bytes.ts";
import { encodeCanonicalJson, type Json } from "./canonical-json.ts";
import { address, bytes32 } from "./fields.ts";
import { addressWord, bytes32Word, hashWords, keccakText } from "./struct-hash.ts";

export const Keyset = z.strictObject({
  answerKey: address,
  tlsKeyHash: bytes32,
  sealingKey: bytes32,
  logKey: bytes32,
  behaviourDigest: bytes32,
  operatorDigest: bytes32,
  softwareVersionHash: bytes32,
  payee: address,
});
export type Keyset = z.output<typeof Keyset>;

export const KEYSET_TYPE =
  "Keyset(address answerKey,bytes32 tlsKeyHash,bytes32 sealingKey,bytes32 logKey,bytes32 behaviourDigest," +
  "bytes32 operatorDigest,bytes32 softwareVersionHash,address payee)";
export const KEYSET_TYPEHASH = keccakText(KEYSET_TYPE);

/** Recomputed by whoever checks; never taken from the one who is checked. */
export function keysetId(keyset: Keyset): Hex {
  return hashWords(KEYSET_TYPEHASH, [
    addressWord(keyset.answerKey),
    bytes32Word(keyset.tlsKeyHash),
    bytes32Word(keyset.sealingKey),
    bytes32Word(keyset.logKey),
    bytes32Word(keyset.behaviourDigest),
    bytes32Word(keyset.operatorDigest),
    bytes32Word(keyset.softwareVersionHash),
    addressWord(keyset.payee),
  ]);
}

/** `behaviourDigest` and `operatorDigest`: SHA-256 of the canonical form, so that spaces and key order do not matter. */
export function configurationDigest(configuration: Json): Hex {
  return toHex(sha256(encodeCanonicalJson(configuration)));
}
