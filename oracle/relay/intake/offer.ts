import { InputError } from "../../../protocol/errors.ts";
import type { Request } from "../../../protocol/request.ts";
import type { JobOutcome } from "../../engine/job-queue.ts";
import type { Logger } from "../../log.ts";
import type { AnswerRecord, OpenRequest } from "../../store/answers.ts";
import { checkPriceList, coversGas, type PriceList } from "./price-list.ts";

/** The prices by which a request's offer is judged on one chain. */
export interface OfferTerms {
  readonly prices: PriceList;
  /** Wei, of the newest block; `undefined` before the chain was read, and where there is no base fee. */
  readonly baseFeePerGas: () => bigint | undefined;
}

/** A block or a few: how often a base fee can have fallen. */
const DEAR_GAS_SECONDS = 12;

/**
 * The fate of a request that offers less than this node asks for, before a model is called: refused when its fee is
 * below the price list, later while gas is dearer than it repays. `undefined` when it is to be served.
 */
export function refuseOffer(
  { prices, baseFeePerGas }: OfferTerms,
  request: Request,
  { chainId, requestId, payload }: OpenRequest,
  { log, now }: { readonly log: Logger; readonly now: () => number },
): JobOutcome<AnswerRecord> | undefined {
  try {
    checkPriceList(prices, request, payload);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    log.warn("answer.refused", { chainId, requestId, error });
    const refusal = { kind: "refused", chainId, requestId, code: error.code, refusedAt: now() } as const;
    return { kind: "done", result: refusal };
  }
  if (coversGas(prices, request, baseFeePerGas())) return undefined;
  log.debug("answer.gas-too-dear", { chainId, requestId, gasPriceCap: request.gasPriceCap });
  return { kind: "later", seconds: DEAR_GAS_SECONDS };
}
