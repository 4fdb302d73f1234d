/**
 * Lets pages of any origin call a route and read its replies (CORS). Nothing here goes by a cookie: a credential is inside a sealed
 * call, and a payment is signed for one call by whoever pays, so that a page that has neither gets as far as a page on no browser at
 * all.
 */

import type { RequestHandler } from "express";

/** Seconds that a browser remembers what it was allowed: the most that any of them takes. */
const MAX_AGE = 7_200;

export interface OpenHeaders {
  /** That pages may send. */
  readonly sent: readonly string[];
  /** Of replies, that pages may read beside those that anybody may. */
  readonly read?: readonly string[];
}

export function anyOrigin({ sent, read = [] }: OpenHeaders): RequestHandler {
  const headers = { "access-control-allow-origin": "*" };
  const readable = read.length === 0 ? {} : { "access-control-expose-headers": read.join(", ") };
  return (request, response, next) => {
    response.set({ ...headers, ...readable });
    if (request.method !== "OPTIONS") {
      next();
      return;
    }
    response.set({
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": sent.join(", "),
      "access-control-max-age": String(MAX_AGE),
    });
    response.status(204).end();
  };
}
