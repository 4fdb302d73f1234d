/**
 * A signed answer in the 256 bytes that Chainlink Functions brings to a contract: with its output inline where that fits, else
 * with the output's hash. docs/reference/protocol.md, Functions.
 */

import {
  AnswerStatus,
  answerDigest,
  fromCompactSignature,
  recoverSigner,
  toCompactSignature,
  type Answer,
} from "./answer.ts";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { functionsDomain } from "./domain.ts";
import { EvidenceError, InputError } from "./errors.ts";
import { functionsRequestId, type FunctionsRequest } from "./functions-request.ts";
import { MAX_FUNCTIONS_RESPONSE_BYTES } from "./limits.ts";
import { packWords, unpackWords } from "./packed-words.ts";
import { NO_STATE_BLOCK, type StateBlock } from "./state-block.ts";
import { keccak } from "./struct-hash.ts";

const Form = { hash: 1, inline: 2, packed: 3 } as const;

/** `end` is where the next field starts. */
const LAYOUT = {
  form: { at: 0, end: 1 },
  status: { at: 1, end: 2 },
  answeredAt: { at: 2, end: 8 },
  keysetId: { at: 8, end: 40 },
  transcriptRoot: { at: 40, end: 72 },
  r: { at: 72, end: 104 },
  /** EIP-2098. */
  vs: { at: 104, end: 136 },
  stateBlockNumber: { at: 136, end: 142 },
  output: { at: 142, end: MAX_FUNCTIONS_RESPONSE_BYTES },
} as const;

const HASH_BYTES = 32;
/** The first value that the struct's `answeredAt` may not have. */
const END_OF_TIME = 2n ** 40n;

export interface FunctionsAnswer {
  readonly answer: Answer;
  /** 65 bytes, as everywhere else. */
  readonly signature: Hex;
  readonly stateBlockNumber: bigint;
  /** null when only its hash travelled. */
  readonly output: Uint8Array | null;
}

/** As read from a response, which holds the block's number and not the hash that was signed. */
export interface FunctionsResponse extends Omit<FunctionsAnswer, "answer"> {
  readonly answer: Omit<Answer, "stateBlockHash">;
}

/**
 * At most `maxBytes`, the same for the same answer: each node of the network asks by itself, and all must return one response.
 *
 * @param maxBytes what the road carries; 256 through Functions
 * @throws {InputError} INPUT_INVALID for an answer that no chain takes: bound to no block, or made after 2^40 seconds
 */
export function encodeFunctionsAnswer(
  { answer, signature, stateBlockNumber, output }: FunctionsAnswer & { readonly output: Uint8Array },
  maxBytes = MAX_FUNCTIONS_RESPONSE_BYTES,
): Uint8Array<ArrayBuffer> {
  if (answer.stateBlockHash === NO_STATE_BLOCK || answer.answeredAt >= END_OF_TIME) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "an answer for a chain is bound to a block, and made before 2^40 seconds",
    });
  }
  const { form, tail } = chooseForm(output, maxBytes - LAYOUT.output.at);
  const { r, vs } = toCompactSignature(signature);
  return concatBytes(
    new Uint8Array([form, answer.status]),
    sixBytes(answer.answeredAt),
    fromHex(answer.keysetId, 32),
    fromHex(answer.transcriptRoot, 32),
    fromHex(r, 32),
    fromHex(vs, 32),
    sixBytes(stateBlockNumber),
    tail,
  );
}

function sixBytes(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(12, "0")}`, 6);
}

function chooseForm(output: Uint8Array, room: number): { readonly form: number; readonly tail: Uint8Array } {
  if (output.length <= room) return { form: Form.inline, tail: output };
  const packed = packWords(output);
  return packed !== null && packed.length <= room
    ? { form: Form.packed, tail: packed }
    : { form: Form.hash, tail: fromHex(keccak(output)) };
}

/**
 * The answer that `response` claims to `requestId`.
 *
 * Leaves to the caller: the signature (`verifyFunctionsAnswer`), the block's hash, and whose keyset it is.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function decodeFunctionsAnswer(requestId: Hex, response: Uint8Array): FunctionsResponse {
  const field = (name: keyof typeof LAYOUT): Uint8Array =>
    response.subarray(LAYOUT[name].at, LAYOUT[name].end);
  if (response.length < LAYOUT.output.at || response.length > MAX_FUNCTIONS_RESPONSE_BYTES)
    throw malformed("a response has 142 to 256 bytes", response.length);
  const head = new DataView(response.buffer, response.byteOffset);
  const { output, outputHash } = readOutput(head.getUint8(LAYOUT.form.at), field("output"));
  const status = head.getUint8(LAYOUT.status.at);
  const answeredAt = BigInt(toHex(field("answeredAt")));
  if (status < AnswerStatus.ok || status > AnswerStatus.programFailed || status === AnswerStatus.disagreed)
    throw malformed("this status is never signed", status);
  if (answeredAt >= END_OF_TIME) throw malformed("no answer is made after 2^40 seconds", Number(answeredAt));
  return {
    answer: {
      requestId,
      status,
      outputHash,
      transcriptRoot: toHex(field("transcriptRoot")),
      keysetId: toHex(field("keysetId")),
      answeredAt,
    },
    signature: fromCompactSignature({ r: toHex(field("r")), vs: toHex(field("vs")) }),
    stateBlockNumber: BigInt(toHex(field("stateBlockNumber"))),
    output,
  };
}

function readOutput(
  form: number,
  tail: Uint8Array,
): { readonly output: Uint8Array | null; readonly outputHash: Hex } {
  if (form === Form.hash) {
    if (tail.length !== HASH_BYTES) throw malformed("a hash has 32 bytes", tail.length);
    return { output: null, outputHash: toHex(tail) };
  }
  if (form !== Form.inline && form !== Form.packed) throw malformed("unknown form", form);
  const output = form === Form.inline ? tail.slice() : unpackWords(tail);
  return { output, outputHash: keccak(output) };
}

/**
 * The answer that `response` brings to `request`, and who signed it for this chain and consumer.
 *
 * Leaves to the caller: whether that signer's keyset is admitted, whether the answer is too old, and that `stateBlock` is a
 * block of the chain.
 *
 * @param stateBlock the block of the response's number, as a chain has it
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_STALE for a block older than the request's; EVIDENCE_SIGNATURE_INVALID
 */
export function verifyFunctionsAnswer(
  request: FunctionsRequest,
  response: Uint8Array,
  stateBlock: StateBlock,
): FunctionsAnswer & { readonly signer: Hex } {
  const decoded = decodeFunctionsAnswer(functionsRequestId(request), response);
  if (decoded.stateBlockNumber !== stateBlock.number)
    throw malformed("the response names another block", Number(decoded.stateBlockNumber));
  if (stateBlock.number < request.requestBlock) {
    throw new EvidenceError({
      code: "EVIDENCE_STALE",
      message: "the answer is bound to a block older than its request's",
      details: { requestBlock: request.requestBlock.toString(), actual: stateBlock.number.toString() },
    });
  }
  const answer = { ...decoded.answer, stateBlockHash: stateBlock.hash };
  const digest = answerDigest(functionsDomain(request.chainId, request.consumer), answer);
  return { ...decoded, answer, signer: recoverSigner(digest, decoded.signature) };
}

function malformed(message: string, actual: number): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details: { actual } });
}
