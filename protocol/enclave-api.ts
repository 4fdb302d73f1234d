/** The enclave's HTTP API (docs/reference/enclave-http.md): one schema read by both ends. */

import * as z from "zod";
import { Answer } from "./answer.ts";
import { bytes32, bytesHex, signature65 } from "./fields.ts";
import { Keyset } from "./keyset.ts";
import { MAX_BATCH_ANSWERS, MAX_CRE_RESPONSE_BYTES, MAX_FUNCTIONS_RESPONSE_BYTES } from "./limits.ts";
import { Bodies, BoundEvidence, EndorsementsJson } from "./receipt.ts";
import { Request } from "./request.ts";
import { StateBlock } from "./state-block.ts";
import { Transcript } from "./transcript.ts";

/** `POST /v1/answers` */
export const AnswerCall = z.strictObject({
  request: Request,
  payload: bytesHex,
  /** Not older than the request's block; the answer signs its hash. */
  stateBlock: StateBlock,
});
export type AnswerCall = z.output<typeof AnswerCall>;

/** The enclave's signed word about one request; the same bytes each time it is asked. */
export const SignedAnswer = z.strictObject({
  answer: Answer,
  signature: signature65,
  output: bytesHex,
  transcript: Transcript,
  bodies: Bodies,
  /** The evidence that the enclave made at its start, named by the transcript: a receipt carries exactly this. */
  evidence: BoundEvidence,
  /** `null` where the relying party must fetch them from the vendor. */
  endorsements: EndorsementsJson.nullable(),
  /** The block that the answer was bound to: of the first call, whatever a repeated one names. */
  stateBlock: StateBlock,
  /** Where the request's threshold is above 1: what other members of the quorum are shown first. */
  quorumLeaf: z.strictObject({ leaf: bytes32, signature: signature65 }).nullable(),
});
export type SignedAnswer = z.output<typeof SignedAnswer>;
export type SignedAnswerWire = z.input<typeof SignedAnswer>;

/** `GET /v1/answers/{requestId}` */
export const AnswerQuery = z.strictObject({ requestId: bytes32 });

/** `POST /v1/batches`: requests whose answers the enclave has given; the tree over them is its own. */
export const BatchCall = z.strictObject({ requestIds: z.array(bytes32).min(1).max(MAX_BATCH_ANSWERS) });
export type BatchCall = z.output<typeof BatchCall>;

/** An `AnswerBatch` and its signature. Anyone who has the answers builds the same tree. */
export const BatchReply = z.strictObject({
  root: bytes32,
  count: z.int().min(1).max(MAX_BATCH_ANSWERS),
  signature: signature65,
});
export type BatchReply = z.output<typeof BatchReply>;

/** `POST /v1/functions/answers`: what the script on Chainlink Functions sends, and a block (docs/reference/protocol.md, Functions). */
export const FunctionsAnswerCall = z.strictObject({
  call: z.base64(),
  /** What the road carries; through Functions, where nothing is said, 256. */
  maxResponseBytes: z.int().min(MAX_FUNCTIONS_RESPONSE_BYTES).max(MAX_CRE_RESPONSE_BYTES).optional(),
  /** Put in by the front, since a script sees no chain. */
  stateBlock: StateBlock,
});

/** With 200. With 202 an empty object: the model has not answered yet, ask again. */
export const FunctionsAnswerReply = z.strictObject({ response: bytesHex });
export type FunctionsAnswerReply = z.output<typeof FunctionsAnswerReply>;

/** `GET /v1/attestation?nonce=` */
export const AttestationQuery = z.strictObject({ nonce: bytes32 });

export const AttestationReply = z.strictObject({
  keyset: Keyset,
  evidence: BoundEvidence,
  /** `null` where the relying party must fetch them from the vendor. */
  endorsements: EndorsementsJson.nullable(),
});
export type AttestationReply = z.output<typeof AttestationReply>;
export type AttestationReplyWire = z.input<typeof AttestationReply>;

const wei = z.string().regex(/^(?:0|[1-9][0-9]*)$/);

/** `GET /v1/models`: prices in wei, as the enclave's behaviour file has them. */
export const ModelsReply = z.strictObject({
  models: z.array(
    z.strictObject({
      id: z.string(),
      contextTokens: z.int().min(1),
      price: z.strictObject({ perRequest: wei, perInputToken: wei, perOutputToken: wei }),
    }),
  ),
});
export type ModelsReply = z.output<typeof ModelsReply>;

/** `POST /v1/quotes`: what the payload costs at worst; nothing is asked of a model. */
export const QuoteCall = z.strictObject({ payload: bytesHex });
export type QuoteCall = z.output<typeof QuoteCall>;

/** Wei: a request with a smaller fee is answered with status 5, `outOfBudget`. */
export const QuoteReply = z.strictObject({ price: wei });
export type QuoteReply = z.output<typeof QuoteReply>;

/** `GET /v1/health` */
export const HealthReply = z.strictObject({ status: z.literal("ok") });

/** Every error, with the HTTP status of its class. */
export const ErrorReply = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
    retryable: z.boolean(),
  }),
});
export type ErrorReply = z.output<typeof ErrorReply>;
