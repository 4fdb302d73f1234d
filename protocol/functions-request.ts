/**
 * A question asked through Chainlink Functions. Functions tells a script nothing of its request, so the consumer names the
 * question itself, by everything that the answer must fit; docs/reference/protocol.md, Functions.
 */

import * as z from "zod";
import { concatBytes, toHex, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { address, bytes32, refusedField, uint24, uint256, uint32, uint40, uint64 } from "./fields.ts";
import { MAX_PAYLOAD_BYTES } from "./limits.ts";
import { addressWord, bytes32Word, hashWords, keccakText, uintWord, type Word } from "./struct-hash.ts";

export const FunctionsRequest = z.strictObject({
  chainId: uint256,
  consumer: address,
  requestedAt: uint40,
  /** The block that the question was asked in: no answer is bound to an older one. */
  requestBlock: uint64,
  nonce: uint32,
  context: bytes32,
  payloadHash: bytes32,
  policyId: bytes32,
  maxOutputBytes: uint24,
  deadline: uint40,
});
export type FunctionsRequest = z.output<typeof FunctionsRequest>;

export const FUNCTIONS_REQUEST_TYPE =
  "FunctionsRequest(uint256 chainId,address consumer,uint40 requestedAt,uint64 requestBlock,uint32 nonce," +
  "bytes32 context,bytes32 payloadHash,bytes32 policyId,uint24 maxOutputBytes,uint40 deadline)";
export const FUNCTIONS_REQUEST_TYPEHASH = keccakText(FUNCTIONS_REQUEST_TYPE);

/** Bytes: ten words, one a field. */
const ENCODED_REQUEST_BYTES = 320;
export const MAX_FUNCTIONS_CALL_BYTES = ENCODED_REQUEST_BYTES + MAX_PAYLOAD_BYTES;

export interface FunctionsCall {
  readonly request: FunctionsRequest;
  readonly payload: Uint8Array;
}

export function functionsRequestId(request: FunctionsRequest): Hex {
  return hashWords(FUNCTIONS_REQUEST_TYPEHASH, toWords(request));
}

/** `abi.encode(request) ‖ payload`: the one argument that a consumer gives the script. */
export function encodeFunctionsCall({ request, payload }: FunctionsCall): Uint8Array<ArrayBuffer> {
  return concatBytes(...toWords(request), payload);
}

/**
 * Leaves to the caller: that the payload is the one that the request names.
 *
 * @throws {InputError} INPUT_INVALID for fewer bytes or a field out of its range; INPUT_TOO_LARGE
 */
export function decodeFunctionsCall(bytes: Uint8Array): FunctionsCall {
  if (bytes.length > MAX_FUNCTIONS_CALL_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a payload has at most ${MAX_PAYLOAD_BYTES} bytes`,
    });
  }
  const word = (index: number): Uint8Array => bytes.subarray(index * 32, (index + 1) * 32);
  const text = (index: number): Hex => toHex(word(index));
  const integer = (index: number): bigint => BigInt(text(index));
  const result = bytes.length < ENCODED_REQUEST_BYTES ? undefined : FunctionsRequest.safeParse(readFields());
  if (result?.success === true) return { request: result.data, payload: bytes.slice(ENCODED_REQUEST_BYTES) };
  throw new InputError({
    code: "INPUT_INVALID",
    message: "these bytes do not start with an encoded FunctionsRequest",
    details: { field: result === undefined ? "" : refusedField(result.error) },
  });

  function readFields(): z.input<typeof FunctionsRequest> {
    return {
      chainId: integer(0).toString(),
      // A non-zero byte above the address makes this longer than 20 bytes, which the schema refuses.
      consumer: text(1).startsWith(`0x${"00".repeat(12)}`) ? toHex(word(1).subarray(12)) : text(1),
      requestedAt: integer(2).toString(),
      requestBlock: integer(3).toString(),
      nonce: Number(integer(4)),
      context: text(5),
      payloadHash: text(6),
      policyId: text(7),
      maxOutputBytes: Number(integer(8)),
      deadline: integer(9).toString(),
    };
  }
}

function toWords(request: FunctionsRequest): readonly Word[] {
  return [
    uintWord(request.chainId),
    addressWord(request.consumer),
    uintWord(request.requestedAt),
    uintWord(request.requestBlock),
    uintWord(request.nonce),
    bytes32Word(request.context),
    bytes32Word(request.payloadHash),
    bytes32Word(request.policyId),
    uintWord(request.maxOutputBytes),
    uintWord(request.deadline),
  ];
}
