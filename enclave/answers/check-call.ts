import { fromHex, type Hex } from "../../protocol/bytes.ts";
import type { AnswerCall } from "../../protocol/enclave-api.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_OUTPUT_BYTES, MAX_PAYLOAD_BYTES } from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import { requestId } from "../../protocol/request.ts";
import type { Operator } from "../configuration/operator.ts";

export interface CheckedCall {
  readonly call: AnswerCall;
  /** Recomputed from the request's fields; a caller supplies no hash that is signed. */
  readonly requestId: Hex;
  readonly payload: Uint8Array;
  readonly maxOutputBytes: number;
}

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
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: `a payload has at most ${MAX_PAYLOAD_BYTES} bytes`,
    });
  }
  if (payloadHash(payload) !== request.payloadHash) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the payload is not the one that the request names",
    });
  }
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
  const maxOutputBytes = Math.min(request.maxOutputBytes, MAX_OUTPUT_BYTES);
  return { call, requestId: requestId(request), payload, maxOutputBytes };
}

/** @throws {InputError} INPUT_EXPIRED when the request can be refunded already */
export function checkDeadline({ call }: CheckedCall, now: number): void {
  if (BigInt(now) <= call.request.deadline) return;
  throw new InputError({
    code: "INPUT_EXPIRED",
    message: "the request's deadline has passed",
    details: { deadline: call.request.deadline.toString(), now },
  });
}
