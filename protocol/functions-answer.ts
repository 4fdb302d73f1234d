/**
 * A signed answer in the 256 bytes that Chainlink Functions brings to a contract: with its output inline where that fits, else
 * with the output's hash. docs/reference/protocol.md, Functions.
 */

import { AnswerStatus, answerDigest, recoverSigner, type Answer } from "./answer.ts";
import { concatBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { functionsDomain } from "./domain.ts";
import { EvidenceError, InputError } from "./errors.ts";
import { functionsRequestId, type FunctionsRequest } from "./functions-request.ts";
import { MAX_FUNCTIONS_RESPONSE_BYTES } from "./limits.ts";
import { packWords, unpackWords } from "./packed-words.ts";
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
  /** EIP-2098: s, with the parity of the signature's point in its top bit. */
  yParityAndS: { at: 104, end: 136 },
  output: { at: 136, end: MAX_FUNCTIONS_RESPONSE_BYTES },
} as const;

const HASH_BYTES = 32;
/** The first second that six bytes cannot say; the year is 8,921,556. */
const END_OF_TIME = 2n ** 48n;
const PARITY_BIT = 0x80;
const NO_STATE: Hex = `0x${"00".repeat(32)}`;

export interface FunctionsAnswer {
  readonly answer: Answer;
  /** 65 bytes, as everywhere else. */
  readonly signature: Hex;
  /** null when only its hash travelled. */
  readonly output: Uint8Array | null;
}

/**
 * At most 256 bytes, the same for the same answer: each node of the network asks by itself, and all must return one response.
 *
 * @throws {InputError} INPUT_INVALID for an answer over chain state, whose block the response has no room for
 */
export function encodeFunctionsAnswer({
  answer,
  signature,
  output,
}: FunctionsAnswer & { readonly output: Uint8Array }): Uint8Array<ArrayBuffer> {
  if (answer.stateBlockHash !== NO_STATE || answer.answeredAt >= END_OF_TIME) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "an answer over chain state cannot travel through Functions",
    });
  }
  const { form, tail } = chooseForm(output);
  const bytes = fromHex(signature, 65);
  const yParityAndS = bytes.slice(32, 64);
  const first = new DataView(yParityAndS.buffer);
  first.setUint8(0, first.getUint8(0) | (bytes[64] === 28 ? PARITY_BIT : 0));
  return concatBytes(
    new Uint8Array([form, answer.status]),
    fromHex(`0x${answer.answeredAt.toString(16).padStart(12, "0")}`, 6),
    fromHex(answer.keysetId, 32),
    fromHex(answer.transcriptRoot, 32),
    bytes.subarray(0, 32),
    yParityAndS,
    tail,
  );
}

function chooseForm(output: Uint8Array): { readonly form: number; readonly tail: Uint8Array } {
  const room = LAYOUT.output.end - LAYOUT.output.at;
  if (output.length <= room) return { form: Form.inline, tail: output };
  const packed = packWords(output);
  return packed !== null && packed.length <= room
    ? { form: Form.packed, tail: packed }
    : { form: Form.hash, tail: fromHex(keccak(output)) };
}

/**
 * The answer that `response` claims to `requestId`.
 *
 * Leaves to the caller: the signature (`verifyFunctionsAnswer`) and whose keyset it is.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED
 */
export function decodeFunctionsAnswer(requestId: Hex, response: Uint8Array): FunctionsAnswer {
  const field = (name: keyof typeof LAYOUT): Uint8Array =>
    response.subarray(LAYOUT[name].at, LAYOUT[name].end);
  if (response.length < LAYOUT.output.at || response.length > MAX_FUNCTIONS_RESPONSE_BYTES) {
    throw malformed("a response has 136 to 256 bytes", response.length);
  }
  const head = new DataView(response.buffer, response.byteOffset);
  const { output, outputHash } = readOutput(head.getUint8(LAYOUT.form.at), field("output"));
  const status = head.getUint8(LAYOUT.status.at);
  const parity = head.getUint8(LAYOUT.yParityAndS.at) >> 7;
  const s = field("yParityAndS").map((byte, index) => (index === 0 ? byte & ~PARITY_BIT : byte));
  if (status < AnswerStatus.ok || status > AnswerStatus.clockUnknown) {
    throw malformed("this status is never signed", status);
  }
  return {
    answer: {
      requestId,
      status,
      outputHash,
      transcriptRoot: toHex(field("transcriptRoot")),
      stateBlockHash: NO_STATE,
      keysetId: toHex(field("keysetId")),
      answeredAt: BigInt(toHex(field("answeredAt"))),
    },
    signature: toHex(concatBytes(field("r"), s, new Uint8Array([27 + parity]))),
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
 * Leaves to the caller: whether that signer's keyset is admitted, and whether the answer is too old.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_SIGNATURE_INVALID
 */
export function verifyFunctionsAnswer(
  request: FunctionsRequest,
  response: Uint8Array,
): FunctionsAnswer & { readonly signer: Hex } {
  const decoded = decodeFunctionsAnswer(functionsRequestId(request), response);
  const digest = answerDigest(functionsDomain(request.chainId, request.consumer), decoded.answer);
  return { ...decoded, signer: recoverSigner(digest, decoded.signature) };
}

function malformed(message: string, actual: number): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message, details: { actual } });
}
