/**
 * Lets pages of any origin read what anybody may read (CORS). Nothing here goes by a cookie: the credential is inside the sealed
 * call, so that a page which has none gets as far as a page on no browser at all.
 */

import type { RequestHandler } from "express";

/** Seconds that a browser remembers what it was allowed: the most that any of them takes. */
const MAX_AGE = 7_200;

export const anyOrigin: RequestHandler = (request, response, next) => {
  response.set("access-control-allow-origin", "*");
  if (request.method !== "OPTIONS") {
    next();
    return;
  }
  response.set({
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": String(MAX_AGE),
  });
  response.status(204).end();
};
