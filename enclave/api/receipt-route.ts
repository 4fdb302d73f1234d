/** `GET /v1/receipts/{id}`: the receipt file, or its COSE twin, for the caller whose call it was. */

import type { RequestHandler } from "express";
import { parseReceipt } from "../../protocol/receipt.ts";
import type { Signatory } from "../answers/sign-answer.ts";
import { signTwin } from "../answers/sign-twin.ts";
import type { ReceiptStore } from "../openai/receipt-store.ts";
import { callerOf } from "./callers.ts";
import { sendSigned } from "./negotiate.ts";

export interface ReceiptRouteOptions extends Pick<Signatory, "identity" | "attested"> {
  readonly receipts: ReceiptStore;
}

export function receiptRoute(options: ReceiptRouteOptions): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const receipt = options.receipts.get(request.params.id, callerOf(response).name);
    await sendSigned(request, response, {
      json: () => receipt,
      twin: () => signTwin(options, parseReceipt(receipt)),
    });
  };
}
