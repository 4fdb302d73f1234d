import type { Request, Response } from "express";
import { COSE_RECEIPT_MEDIA_TYPE } from "../../protocol/cose-receipt.ts";
import { InputError } from "../../protocol/errors.ts";

const JSON_TYPE = "application/json";
/** In the order of preference where a caller has none. */
const MEDIA_TYPES = [JSON_TYPE, COSE_RECEIPT_MEDIA_TYPE, "application/cose"];

/**
 * Sends what was signed as JSON, or its COSE twin, as the caller accepts.
 *
 * @throws {InputError} INPUT_INVALID for a caller who takes neither
 */
export async function sendSigned<Parameters>(
  request: Request<Parameters>,
  response: Response,
  forms: {
    readonly json: () => Uint8Array | string | Promise<string>;
    readonly twin: () => Uint8Array | Promise<Uint8Array>;
  },
): Promise<void> {
  response.vary("accept");
  const type = request.accepts(MEDIA_TYPES);
  if (type === false) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `this comes as ${MEDIA_TYPES.join(" or ")}: the Accept header allows none of them`,
    });
  }
  const body = type === JSON_TYPE ? await forms.json() : await forms.twin();
  response.type(type).send(typeof body === "string" ? body : Buffer.from(body));
}
