/** `GET /v1/receipts/{requestId}`: the receipt file, or its COSE twin while the enclave that signed it lives. */

import type { RequestHandler } from "express";
import * as z from "zod";
import { COSE_RECEIPT_MEDIA_TYPE } from "../../protocol/cose-receipt.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";

const JSON_TYPE = "application/json";
/** In the order of preference where a caller has none. */
const MEDIA_TYPES = [JSON_TYPE, COSE_RECEIPT_MEDIA_TYPE, "application/cose"];

/** Each is a signature that the enclave makes: strangers must not keep it busy. */
const MAX_TWINS = 4;

export interface ReceiptRouteOptions {
  /** The receipt file's text. */
  readonly find: (requestId: Hex) => Promise<string | undefined>;
  /** Asks the enclave of this keyset; `undefined` where it is not among this node's, or no longer. */
  readonly twin: (keysetId: Hex, requestId: Hex) => Promise<Uint8Array> | undefined;
}

const Parameters = z.object({ requestId: bytes32 });

export function receiptRoute({ find, twin }: ReceiptRouteOptions): RequestHandler<{ requestId: string }> {
  let asked = 0;
  return async (request, response) => {
    const { success, data } = Parameters.safeParse(request.params);
    if (!success) throw invalid("a request's id is 32 bytes of lower-case hex");
    const receipt = await find(data.requestId);
    if (receipt === undefined) throw notFound("this node holds no receipt of the request (yet)");
    response.vary("accept");
    const type = request.accepts(MEDIA_TYPES);
    if (type === false) throw invalid(`a receipt comes as ${MEDIA_TYPES.join(" or ")}`);
    if (type === JSON_TYPE) {
      // The file's exact bytes: a receipt has one canonical form, and another is refused.
      response.type(type).send(Buffer.from(receipt, "utf8"));
      return;
    }
    if (asked >= MAX_TWINS) {
      throw new InputError({
        code: "INPUT_RATE_LIMITED",
        message: "too many twins are being made: ask again",
      });
    }
    asked += 1;
    try {
      const { answer } = JSON.parse(receipt) as { readonly answer: { readonly keysetId: Hex } };
      const made = await twin(answer.keysetId, data.requestId);
      if (made === undefined)
        throw notFound("the enclave that signed this receipt is gone, and only it could make the twin");
      response.type(type).send(Buffer.from(made));
    } finally {
      asked -= 1;
    }
  };
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}

function notFound(message: string): InputError {
  return new InputError({ code: "INPUT_NOT_FOUND", message });
}
