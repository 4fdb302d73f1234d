/**
 * The body of a call, read by ourselves: bytes are what is hashed, UTF-8 is the only character set, and nothing is
 * decompressed. A general parser brings half a megabyte for all the others into what is measured.
 */

import type { Request, RequestHandler } from "express";
import { joinBytes } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";

/** Bodies that came inside of something else, and were read with it. */
const known = new WeakMap<Request, Uint8Array<ArrayBuffer>>();

/** The routes after this one take `body` for what the call brought. */
export function setBody(request: Request, body: Uint8Array<ArrayBuffer>): void {
  known.set(request, body);
}

function bodyOf(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = known.get(request);
  if (body === undefined) return collectBody(request, limit);
  return body.length > limit ? Promise.reject(tooLarge(limit)) : Promise.resolve(body);
}

/** `request.body` is then a Uint8Array of at most `limit` bytes, whatever content type the caller names. */
export function readBytes(limit: number): RequestHandler {
  return async (request, _response, next) => {
    request.body = await bodyOf(request, limit);
    next();
  };
}

/** `request.body` is then JSON of any form that names no member twice, nested no deeper than `MAX_JSON_DEPTH`. */
export function readJson(limit: number): RequestHandler {
  return async (request, _response, next) => {
    request.body = parseUniqueJson(await bodyOf(request, limit));
    next();
  };
}

/**
 * Of a body that is too large the rest is let pass, and none of it kept: who is cut off while sending never reads why.
 * The server's own timeout bounds how long that takes.
 *
 * @throws {InputError} INPUT_TOO_LARGE; INPUT_INVALID for a compressed body, or one that ends early
 */
export function collectBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers["content-encoding"];
  const chunks: Uint8Array[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
    });
    request.once("end", () => {
      if (size > limit) reject(tooLarge(limit));
      else if (encoding !== undefined && encoding !== "identity") reject(invalid("a body is not compressed"));
      else resolve(joinBytes(chunks));
    });
    request.once("error", (cause) => {
      reject(invalid("the body ended early", cause));
    });
    request.once("close", () => {
      if (!request.readableEnded) reject(invalid("the body ended early"));
    });
  });
}

function tooLarge(limit: number): InputError {
  return new InputError({ code: "INPUT_TOO_LARGE", message: `a body has at most ${limit} bytes` });
}

function invalid(message: string, cause?: unknown): InputError {
  return new InputError({ code: "INPUT_INVALID", message, cause });
}
