import { UNREPAID } from "../../store/settlements.ts";
import { Delivery, type Request } from "../../../protocol/request.ts";

/** What a node gives for transactions that nobody repays. Requesters choose how much gas their callbacks burn. */
export interface OwnCost {
  /** Wei per gas. */
  readonly feeCap: bigint;
  /** The most gas of a callback. */
  readonly callbackGas: number;
}

/** Whether the request's callback may burn more than the node gives. */
export function isBurden(
  { delivery, callbackGasLimit }: Pick<Request, "delivery" | "callbackGasLimit">,
  { callbackGas }: OwnCost,
): boolean {
  return delivery === Delivery.callback && callbackGasLimit > callbackGas;
}

/** Statuses for which a coordinator repays no gas (docs/reference/protocol.md, Answer). */
export function isUnrepaid(status: number): boolean {
  return UNREPAID.some((unrepaid) => unrepaid === status);
}

export const LEFT_TO_OTHERS =
  "nobody repays what settles it, and its callback may use more gas than refundMaxCallbackGas: left to whoever sends it";
