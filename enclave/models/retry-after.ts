import type { CompleteResponse } from "../egress/exchange.ts";

/**
 * Milliseconds that a response asks us to wait, 0 when it does not say: `retry-after` of RFC 9110 §10.2.3, or OpenAI's
 * finer `retry-after-ms`. A date is read against the response's own `date`, so that no clock is needed.
 */
export function retryAfterMs({ headers }: Pick<CompleteResponse, "headers">): number {
  const precise = headers["retry-after-ms"];
  if (precise !== undefined && /^[0-9]{1,9}$/.test(precise)) return Number(precise);
  const text = headers["retry-after"];
  if (text === undefined) return 0;
  if (/^[0-9]{1,6}$/.test(text)) return Number(text) * 1000;
  const wait = Date.parse(text) - Date.parse(headers["date"] ?? "");
  return Number.isFinite(wait) && wait > 0 ? wait : 0;
}
