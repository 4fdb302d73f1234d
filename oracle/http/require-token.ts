import { createHash, timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { InputError } from "../../protocol/errors.ts";

/** @param name what the token is called in the refusal */
export function requireToken(token: string, name: string): RequestHandler {
  const expected = digest(`Bearer ${token}`);
  return (request, _response, next) => {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ""), expected))
      throw new InputError({ code: "INPUT_UNAUTHORIZED", message: `the ${name} token is missing or wrong` });
    next();
  };
}

/** Hashed first: digests have one length, and comparing them tells nothing of the token. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
