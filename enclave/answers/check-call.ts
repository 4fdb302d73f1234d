import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { functionsDomain, onChainDomain, type Domain } from "../../protocol/domain.ts";
import type { AnswerCall } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { functionsRequestId, type FunctionsCall } from "../../protocol/functions-request.ts";
import { MAX_OUTPUT_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import { requestId } from "../../protocol/request.ts";
import type { SealedContext } from "../../protocol/sealed-payload.ts";
import type { Operator } from "../configuration/operator.ts";

/** A question that may be answered, whichever road it came by. */
export interface CheckedCall {
  /** What the answer is signed for: nothing that is signed for one road, chain or contract serves another. */
  readonly domain: Domain;
  /** Recomputed from the request's fields; a caller supplies no hash that is signed. */
  readonly requestId: Hex;
  readonly payload: Uint8Array;
  /** Where a sealed payload was sealed for; null on a road that takes none. */
  readonly sealedContext: SealedContext | null;
  /** Whose provider keys a sealed payload may bring; null on a road that takes none. */
  readonly payer: Hex | null;
  readonly payloadHash: Hex;
  /** Wei. */
  readonly fee: bigint;
  readonly maxOutputBytes: number;
  readonly deadline: bigint;
}

/**
 * Above what any model costs: through Functions no fee travels. Whoever has the credential pays as it was agreed with the
 * operator, and its quota bounds what is spent.
 */
const NO_FEE_LIMIT = 2n ** 128n - 1n;

/**
 * A call that may be answered: the payload is the one that the request names, on a coordinator that this operator serves.
 * What fails here is the caller's mistake and is signed by nobody.
 *
 * Leaves to the caller: the deadline (`checkDeadline`), since a repeat of an answered request has none.
 *
 * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE
 */
export function checkCall(call: AnswerCall, { coordinators }: Operator["public"]): CheckedCall {
  const { request } = call;
  const payload = fromHex(call.payload);
  checkPayload(payload, request.payloadHash);
  const served = coordinators.some(
    ({ chainId, coordinator }) => chainId === request.chainId && coordinator === request.coordinator,
  );
  if (!served) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "this enclave's operator does not serve that coordinator on that chain",
      details: { chainId: request.chainId.toString(), coordinator: request.coordinator },
    });
  }
  return {
    domain: onChainDomain(request.chainId, request.coordinator),
    requestId: requestId(request),
    payload,
    sealedContext: {
      chainId: request.chainId,
      coordinator: request.coordinator,
      consumer: request.consumer,
      policyId: request.policyId,
    },
    payer: request.payer,
    payloadHash: request.payloadHash,
    fee: request.fee,
    maxOutputBytes: Math.min(request.maxOutputBytes, MAX_OUTPUT_BYTES),
    deadline: request.deadline,
  };
}

/**
 * As `checkCall`, for a question that comes through Chainlink Functions. Any consumer is served: its answers are signed for it
 * alone, and whoever asks needs a credential.
 *
 * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE
 */
export function checkFunctionsCall({ request, payload }: FunctionsCall): CheckedCall {
  checkPayload(payload, request.payloadHash);
  return {
    domain: functionsDomain(request.chainId, request.consumer),
    requestId: functionsRequestId(request),
    payload,
    sealedContext: null,
    payer: null,
    payloadHash: request.payloadHash,
    fee: NO_FEE_LIMIT,
    maxOutputBytes: Math.min(request.maxOutputBytes, MAX_OUTPUT_BYTES),
    deadline: request.deadline,
  };
}

/** @throws {InputError} INPUT_EXPIRED when the request can be refunded already */
export function checkDeadline({ deadline }: CheckedCall, now: number): void {
  if (BigInt(now) <= deadline) return;
  throw new InputError({
    code: "INPUT_EXPIRED",
    message: "the request's deadline has passed",
    details: { deadline: deadline.toString(), now },
  });
}

function checkPayload(payload: Uint8Array, expectedHash: Hex): void {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a payload has at most ${MAX_PAYLOAD_BYTES} bytes`,
    });
  }
  if (payloadHash(payload) !== expectedHash) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the payload is not the one that the request names",
    });
  }
}
