import * as z from "zod";
import type { CompleteResponse } from "../egress/exchange.ts";
import { parseProviderJson } from "../../runtime/models/response-body.ts";

/**
 * Milliseconds that a response asks us to wait, 0 when it does not say: `retry-after` of RFC 9110 §10.2.3, OpenAI's finer
 * `retry-after-ms`, or Google's `RetryInfo` (google/rpc/error_details.proto) in the body. A date is read against the response's
 * own `date`, so that no clock is needed.
 */
export function retryAfterMs({
  headers,
  body,
}: Pick<CompleteResponse, "headers"> & Partial<Pick<CompleteResponse, "body">>): number {
  const precise = headers["retry-after-ms"];
  if (precise !== undefined && /^[0-9]{1,9}$/.test(precise)) return Number(precise);
  const text = headers["retry-after"];
  if (text === undefined) return body === undefined ? 0 : retryInfoMs(body);
  if (/^[0-9]{1,6}$/.test(text)) return Number(text) * 1000;
  const wait = Date.parse(text) - Date.parse(headers["date"] ?? "");
  return Number.isFinite(wait) && wait > 0 ? wait : 0;
}

const GoogleError = z.object({
  error: z.object({ details: z.array(z.object({ retryDelay: z.string().nullish().catch(null) })) }),
});
/** Its streams wrap the error in a list. */
const GoogleBody = z.union([GoogleError, z.tuple([GoogleError]).transform(([error]) => error)]);

const DURATION = /^([0-9]{1,6}(?:\.[0-9]{1,9})?)s$/;

function retryInfoMs(body: Uint8Array): number {
  try {
    const { error } = GoogleBody.parse(parseProviderJson(body));
    const delays = error.details.map(({ retryDelay }) => DURATION.exec(retryDelay ?? "")?.[1]);
    const seconds = delays.find((delay) => delay !== undefined);
    return seconds === undefined ? 0 : Math.ceil(Number(seconds) * 1000);
  } catch {
    // Another provider's body, or none: it asks for nothing.
    return 0;
  }
}
