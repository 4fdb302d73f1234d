import { createHash } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { RequestHandler, Response } from "express";
import type { Operator } from "../configuration/operator.ts";
import { RateLimit } from "./rate-limit.ts";

export interface Caller {
  readonly name: string;
  readonly limit: RateLimit;
  readonly provisions: boolean;
}

/** @throws {InputError} INPUT_UNAUTHORIZED for a caller who may ask, and may not bring secrets */
export function checkProvisions({ provisions }: Caller): void {
  if (provisions) return;
  throw new InputError({ code: "INPUT_UNAUTHORIZED", message: "this caller may not provision secrets" });
}

const admitted = new WeakMap<object, Caller>();

/** The caller that `admitCaller` let in; a route without it is a bug. */
export function callerOf(response: Response): Caller {
  const caller = admitted.get(response);
  if (caller === undefined) throw new TypeError("no caller was admitted for this response");
  return caller;
}

/** Counts the call until its response is closed, so that a caller who hangs up frees its place. */
export function admitCaller(callers: Callers): RequestHandler {
  return (request, response, next) => {
    const caller = callers.identify(request.headers.authorization);
    const leave = caller.limit.enter();
    response.once("close", leave);
    admitted.set(response, caller);
    next();
  };
}

/** Characters: longer is no credential of ours, and is not hashed. */
const MAX_CREDENTIAL_LENGTH = 512;

/** Who may call, by the SHA-256 of a bearer credential: the operator file need not hold the credential itself. */
export class Callers {
  readonly #named: ReadonlyMap<Hex, Caller>;
  readonly #anonymous: Caller | null;

  constructor({ anonymous, named }: Operator["callers"], monotonicMs: () => number) {
    this.#named = new Map(
      named.map(({ name, credentialSha256, quota, provisions }) => [
        credentialSha256,
        { name, limit: new RateLimit(quota, monotonicMs), provisions },
      ]),
    );
    this.#anonymous =
      anonymous === "refuse"
        ? null
        : { name: "anonymous", limit: new RateLimit(anonymous, monotonicMs), provisions: false };
  }

  /**
   * The caller that an Authorization header names. A wrong credential is refused even where none is needed.
   *
   * @throws {InputError} INPUT_UNAUTHORIZED
   */
  identify(authorization: string | undefined): Caller {
    const credential = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? "")?.[1];
    // Looked up by hash: how long that takes says nothing about a credential that is not known already.
    const caller =
      authorization === undefined
        ? this.#anonymous
        : credential === undefined || credential.length > MAX_CREDENTIAL_LENGTH
          ? null
          : this.#named.get(toHex(createHash("sha256").update(credential).digest()));
    if (caller !== null && caller !== undefined) return caller;
    throw new InputError({
      code: "INPUT_UNAUTHORIZED",
      message: "this call needs a credential that the operator gave out: Authorization: Bearer …",
    });
  }
}
