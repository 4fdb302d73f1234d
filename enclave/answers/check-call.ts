import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { functionsDomain, onChainDomain, type Domain, type OnChainDomain } from "../../protocol/domain.ts";
import type { AnswerCall } from "../../protocol/enclave-api.ts";
import { InputError, UpstreamError } from "../../protocol/errors.ts";
import { functionsRequestId, type FunctionsCall } from "../../protocol/functions-request.ts";
import {
  CLOCK_TOLERANCE_SECONDS,
  MAX_LIFETIME_SECONDS,
  MAX_OUTPUT_BYTES,
  MAX_PAYLOAD_BYTES,
} from "../../protocol/limits.ts";
import { payloadHash } from "../../protocol/payload.ts";
import { requestId } from "../../protocol/request.ts";
import { isSealedPayload, sealedRecipients, type SealedContext } from "../../protocol/sealed-payload.ts";
import type { StateBlock } from "../../protocol/state-block.ts";
import type { ProvenEvent } from "../../runtime/agents/event-run.ts";
import type { Reading } from "../clock/trusted-clock.ts";
import type { Operator } from "../configuration/operator.ts";

/** A question that may be answered, whichever road it came by. */
export interface CheckedCall {
  /** The domain of the signature: nothing signed for one road, chain or contract serves another. */
  readonly domain: Domain;
  /** Recomputed from the request's fields; a caller supplies no hash that is signed. */
  readonly requestId: Hex;
  readonly payload: Uint8Array;
  /** Where a sealed payload was sealed for; null on a road that takes none. */
  readonly sealedContext: SealedContext | null;
  /** Whose provider keys a sealed payload may bring; null on a road that takes none. */
  readonly payer: Hex | null;
  readonly payloadHash: Hex;
  readonly context: Hex;
  /** The block that the answer is bound to: the host's word, which the chain checks. */
  readonly stateBlock: StateBlock;
  /** Where members of a quorum commit to their answers before they show them; null for a request that takes one answer. */
  readonly quorum: OnChainDomain | null;
  readonly requestedAt: bigint;
  /** Wei. */
  readonly fee: bigint;
  readonly maxOutputBytes: number;
  readonly deadline: bigint;
  /** What a program is told of why it runs. */
  readonly trigger: "request" | "slot" | "event";
  /** The log that a program runs for, with what proves it; null for what no log began. */
  readonly event: ProvenEvent | null;
}

/**
 * Above what any model costs: through Functions no fee travels. Whoever has the credential pays as it was agreed with the
 * operator, and its quota bounds what is spent.
 */
export const NO_FEE_LIMIT = 2n ** 128n - 1n;

/**
 * A call that may be answered: the payload is the one that the request names, on a coordinator that this operator serves.
 * A failure here is the caller's mistake, and nobody signs it.
 *
 * Leaves to the caller: the time (`checkTime`), which a repeat of an answered request is not held to.
 *
 * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE
 */
export function checkCall(call: AnswerCall, { coordinators }: Operator["public"]): CheckedCall {
  const { request, stateBlock } = call;
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
  checkLifetime(request);
  const domain = onChainDomain(request.chainId, request.coordinator);
  return {
    domain,
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
    context: request.context,
    stateBlock,
    quorum: request.threshold > 1 ? domain : null,
    requestedAt: request.requestedAt,
    fee: request.fee,
    maxOutputBytes: Math.min(request.maxOutputBytes, MAX_OUTPUT_BYTES),
    deadline: request.deadline,
    trigger: "request",
    event: null,
  };
}

/**
 * As `checkCall`, for a question that comes through Chainlink Functions. Any consumer is served: its answers are signed for it
 * alone, and whoever asks needs a credential.
 *
 * @throws {InputError} INPUT_INVALID, INPUT_TOO_LARGE
 */
export function checkFunctionsCall({ request, payload }: FunctionsCall, stateBlock: StateBlock): CheckedCall {
  checkPayload(payload, request.payloadHash);
  checkLifetime(request);
  if (stateBlock.number < request.requestBlock) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the state block is older than the request's: its consumer would refuse the answer",
      details: { requestBlock: request.requestBlock.toString(), stateBlock: stateBlock.number.toString() },
    });
  }
  return {
    domain: functionsDomain(request.chainId, request.consumer),
    requestId: functionsRequestId(request),
    payload,
    sealedContext: null,
    payer: null,
    payloadHash: request.payloadHash,
    context: request.context,
    stateBlock,
    quorum: null,
    requestedAt: request.requestedAt,
    fee: NO_FEE_LIMIT,
    maxOutputBytes: Math.min(request.maxOutputBytes, MAX_OUTPUT_BYTES),
    deadline: request.deadline,
    trigger: "request",
    event: null,
  };
}

/**
 * The enclave's clock agrees with the chain that the request comes from, give or take what the coordinator tolerates. Outside,
 * nobody is asked and nothing is signed: another enclave, or this one with a better clock, can still answer. Without a time
 * only what is surely past is known; then a status says so.
 *
 * @throws {UpstreamError} ENCLAVE_TIME_OUTSIDE, retryable
 */
export function checkTime({ requestedAt, deadline }: CheckedCall, { now, lowerBound }: Reading): void {
  const tolerance = BigInt(CLOCK_TOLERANCE_SECONDS);
  const early = now !== null && BigInt(now) < requestedAt - tolerance;
  const late = BigInt(now ?? lowerBound) > deadline + tolerance;
  if (!early && !late) return;
  throw new UpstreamError({
    code: "ENCLAVE_TIME_OUTSIDE",
    message: early
      ? "the request comes from the future of this enclave's clock: nothing was asked"
      : "the request's deadline has passed by this enclave's clock: nothing was asked",
    details: { now: now ?? lowerBound, requestedAt: requestedAt.toString(), deadline: deadline.toString() },
  });
}

/**
 * A sealed question is for the keysets that it lists. An enclave that is not among them signs nothing: not even that it cannot read it, since
 * a node that was never meant to answer could end the request with that.
 *
 * @throws {InputError} INPUT_NOT_RECIPIENT
 */
export function checkRecipient({ payload, sealedContext }: CheckedCall, keysetId: Hex): void {
  if (sealedContext === null || !isSealedPayload(payload)) return;
  const recipients = readRecipients(payload);
  if (recipients === null || recipients.includes(keysetId)) return;
  throw new InputError({
    code: "INPUT_NOT_RECIPIENT",
    message: "the question is sealed to other keysets: ask one of those",
    details: { keysetId, recipients: recipients.length },
  });
}

/** null for what no enclave can read: that is an invalid request, whoever is asked. */
function readRecipients(payload: Uint8Array): readonly Hex[] | null {
  try {
    return sealedRecipients(payload);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** @throws {InputError} INPUT_INVALID for a request that no chain takes, and that could not be remembered until its deadline */
export function checkLifetime({
  requestedAt,
  deadline,
}: {
  readonly requestedAt: bigint;
  readonly deadline: bigint;
}): void {
  const lifetime = deadline - requestedAt;
  if (lifetime > 0n && lifetime <= BigInt(MAX_LIFETIME_SECONDS)) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `a deadline is 1 to ${MAX_LIFETIME_SECONDS} seconds after its request`,
    details: { requestedAt: requestedAt.toString(), deadline: deadline.toString() },
  });
}

/** @throws {InputError} INPUT_TOO_LARGE */
export function checkPayloadSize(payload: Uint8Array): void {
  if (payload.length <= MAX_PAYLOAD_BYTES) return;
  throw new InputError({
    code: "INPUT_TOO_LARGE",
    message: `a payload has at most ${MAX_PAYLOAD_BYTES} bytes`,
  });
}

function checkPayload(payload: Uint8Array, expectedHash: Hex): void {
  checkPayloadSize(payload);
  if (payloadHash(payload) !== expectedHash) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the payload is not the one that the request names",
    });
  }
}
