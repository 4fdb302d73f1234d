import type { RequestHandler } from "express";
import { InputError } from "../../protocol/errors.ts";

/** Lets `most` calls run at once; the others are told to come again. */
export function limitConcurrency(most: number): RequestHandler {
  let running = 0;
  return (_request, response, next) => {
    if (running >= most)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "too many at once: try again" });
    running += 1;
    response.once("close", () => (running -= 1));
    next();
  };
}
