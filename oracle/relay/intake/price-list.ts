import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import { decodePayload, PayloadType } from "../../../protocol/payload.ts";
import type { Request } from "../../../protocol/request.ts";

/** Wei. */
export interface ListedPrice {
  readonly perRequest: bigint;
  readonly perPayloadByte: bigint;
  readonly perOutputToken: bigint;
}

/** The fees that a node asks for, beyond those of the enclave's behaviour file. */
export interface PriceList {
  /** By model; `*` is every other model, and questions that the node cannot read. */
  readonly models: Readonly<Record<string, ListedPrice>>;
  /** The share of the present gas price that a request must be ready to repay. */
  readonly gasPricePercent: number;
}

/** The fields of a request that decide its price. */
export type PricedRequest = Pick<Request, "threshold" | "maxOutputBytes">;

const ANY_MODEL = "*";
const PERCENT = 100n;

/**
 * The fee that the list asks for, in wei; 0 for models that it does not name. Each of `threshold` answers is priced, and
 * each model of a panel.
 */
export function listedFee({ models }: PriceList, request: PricedRequest, payload: Hex): bigint {
  const { names, maxOutputTokens } = readWork(payload, request);
  const bytes = BigInt((payload.length - 2) / 2);
  const fees = names.map((name) => {
    const price = models[name] ?? models[ANY_MODEL];
    return price === undefined
      ? 0n
      : price.perRequest + price.perPayloadByte * bytes + price.perOutputToken * BigInt(maxOutputTokens);
  });
  return BigInt(request.threshold) * fees.reduce((sum, fee) => sum + fee, 0n);
}

/**
 * Whether the request offers what the list asks for. One that does not is refused before a model is called.
 *
 * @throws {InputError} INPUT_FEE_TOO_LOW naming the fee that would do
 */
export function checkPriceList(list: PriceList, request: Request, payload: Hex): void {
  const required = listedFee(list, request, payload);
  if (request.fee >= required) return;
  throw new InputError({
    code: "INPUT_FEE_TOO_LOW",
    message: "the request's fee is below this node's price list: GET /v1/quote tells what to offer",
    details: { fee: request.fee.toString(), required: required.toString() },
  });
}

/**
 * Whether the request would repay the gas of its settlement at the present price. Prices fall again, so one that would
 * not is kept waiting and not refused.
 */
export function coversGas(
  { gasPricePercent }: PriceList,
  { gasPriceCap }: Request,
  baseFeePerGas: bigint | undefined,
): boolean {
  return gasPriceCap * PERCENT >= (baseFeePerGas ?? 0n) * BigInt(gasPricePercent);
}

/** A sealed question, or one that no enclave will understand either, is priced by what the request says of itself. */
function readWork(
  payload: Hex,
  { maxOutputBytes }: PricedRequest,
): { readonly names: readonly string[]; readonly maxOutputTokens: number } {
  const unread = { names: [ANY_MODEL], maxOutputTokens: maxOutputBytes };
  try {
    const decoded = decodePayload(fromHex(payload));
    if (decoded.type !== PayloadType.inference) return unread;
    const { models, maxOutputTokens } = decoded.prompt;
    return { names: models, maxOutputTokens };
  } catch (error) {
    if (error instanceof InputError) return unread;
    throw error;
  }
}
