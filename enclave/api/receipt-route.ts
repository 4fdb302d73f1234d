/** `GET /v1/receipts/{id}`: the receipt file, or its COSE twin, for the caller whose call it was. */

import type { Request, RequestHandler, Response } from "express";
import { COSE_RECEIPT_MEDIA_TYPE } from "../../protocol/cose-receipt.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import type { Signatory } from "../answers/sign-answer.ts";
import { signTwin } from "../answers/sign-twin.ts";
import type { ReceiptStore } from "../openai/receipt-store.ts";
import { callerOf } from "./callers.ts";

/** In the order of preference where a caller has none. */
const MEDIA_TYPES = ["application/json", COSE_RECEIPT_MEDIA_TYPE, "application/cose"];

export interface ReceiptRouteOptions extends Pick<Signatory, "identity" | "attested"> {
  readonly receipts: ReceiptStore;
}

export function receiptRoute(options: ReceiptRouteOptions): RequestHandler<{ id: string }> {
  return (request, response) => {
    const receipt = options.receipts.get(request.params.id, callerOf(response).name);
    const type = negotiate(request, response);
    const body = type === "application/json" ? receipt : signTwin(options, parseReceipt(receipt));
    response.type(type).send(Buffer.from(body));
  };
}

/** @throws {InputError} INPUT_INVALID for a caller who takes none of the forms */
function negotiate(request: Request<{ id: string }>, response: Response): string {
  response.vary("accept");
  const type = request.accepts(MEDIA_TYPES);
  if (type !== false) return type;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `a receipt comes as ${MEDIA_TYPES.join(" or ")}: the Accept header allows none of them`,
  });
}
