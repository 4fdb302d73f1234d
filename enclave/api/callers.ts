import { createHash } from "node:crypto";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { ProviderKey } from "../../protocol/provider-key.ts";
import type { Request, RequestHandler, Response } from "express";
import type { Operator } from "../configuration/operator.ts";
import { RateLimit } from "./rate-limit.ts";

export interface Caller {
  readonly name: string;
  readonly limit: RateLimit;
  readonly provisions: boolean;
  /** null for a caller who comes without a credential. */
  readonly credentialSha256: Hex | null;
  /** Has no credential of the operator's, and is served on the strength of a provider key of its own. */
  readonly keyOwner: boolean;
}

/** @throws {InputError} INPUT_UNAUTHORIZED for a caller who may ask, and may not bring secrets */
export function checkProvisions({ provisions }: Caller): void {
  if (provisions) return;
  throw new InputError({ code: "INPUT_UNAUTHORIZED", message: "this caller may not provision secrets" });
}

/** For routes that only callers of the operator's may use. @throws {InputError} INPUT_UNAUTHORIZED */
export const refuseKeyOwners: RequestHandler = (_request, response, next) => {
  if (callerOf(response).keyOwner) throw unauthorized();
  next();
};

/** Carries a provider key of the caller's own, sealed to this keyset. */
const KEY_HEADER = "adyton-provider-key";

interface Admitted {
  readonly caller: Caller;
  readonly ownKey: ProviderKey | null;
}

/** Gone with its response, and the key with it. */
const admitted = new WeakMap<object, Admitted>();

function admissionOf(response: Response): Admitted {
  const admission = admitted.get(response);
  if (admission === undefined) throw new TypeError("no caller was admitted for this response");
  return admission;
}

/** The caller that `admitCaller` let in; a route without it is a bug. */
export function callerOf(response: Response): Caller {
  return admissionOf(response).caller;
}

/** The provider key that the caller brought, if it did: checked to be its own. */
export function ownKeyOf(response: Response): ProviderKey | null {
  return admissionOf(response).ownKey;
}

/** @throws {InputError} INPUT_INVALID for a key that was not sealed to this keyset; what `checkOwnKey` throws */
export type OpenOwnKey = (sealed: string, credentialSha256: Hex) => Promise<ProviderKey>;

/** Counts the call until its response is closed, so that a caller who hangs up frees its place. */
export function admitCaller(callers: Callers, openOwnKey: OpenOwnKey): RequestHandler {
  return async (request, response, next) => {
    const sealedKey = request.get(KEY_HEADER);
    const caller = callers.identify(authorizationOf(request), sealedKey !== undefined);
    const leave = caller.limit.enter();
    response.once("close", () => {
      leave();
      admitted.delete(response);
    });
    if (sealedKey === undefined) {
      admitted.set(response, { caller, ownKey: null });
    } else {
      if (caller.credentialSha256 === null) throw unauthorized();
      admitted.set(response, { caller, ownKey: await openOwnKey(sealedKey, caller.credentialSha256) });
    }
    next();
  };
}

/** Anthropic's clients have a header of their own for what others show as a bearer. */
function authorizationOf(request: Request): string | undefined {
  const key = request.get("x-api-key");
  return request.headers.authorization ?? (key === undefined ? undefined : `Bearer ${key}`);
}

/** Characters: longer is no credential of ours, and is not hashed. */
const MAX_CREDENTIAL_LENGTH = 512;

/** The permitted callers, by the SHA-256 of a bearer credential: the operator file need not hold the credential itself. */
export class Callers {
  readonly #named: ReadonlyMap<Hex, Caller>;
  readonly #anonymous: Caller | null;
  readonly #keyOwners: RateLimit | null;

  constructor({ anonymous, keyOwners, named }: Operator["callers"], monotonicMs: () => number) {
    this.#named = new Map(
      named.map(({ name, credentialSha256, quota, provisions }) => [
        credentialSha256,
        {
          name,
          limit: new RateLimit(quota, monotonicMs),
          provisions,
          credentialSha256,
          keyOwner: false,
        },
      ]),
    );
    this.#anonymous =
      anonymous === "refuse"
        ? null
        : {
            name: "anonymous",
            limit: new RateLimit(anonymous, monotonicMs),
            provisions: false,
            credentialSha256: null,
            keyOwner: false,
          };
    this.#keyOwners = keyOwners === "refuse" ? null : new RateLimit(keyOwners, monotonicMs);
  }

  /** Whose credential it is, where it is one that the operator gave out; null for everybody else. */
  nameOf(authorization: string | undefined): string | null {
    const credentialSha256 = credentialHash(authorization);
    return credentialSha256 === null ? null : (this.#named.get(credentialSha256)?.name ?? null);
  }

  /**
   * The caller that an Authorization header names. A wrong credential is refused even where none is needed, unless it comes
   * with a key: then it is the owner's own, and has to be the one that the key names.
   *
   * @throws {InputError} INPUT_UNAUTHORIZED
   */
  identify(authorization: string | undefined, withKey: boolean): Caller {
    if (authorization === undefined) {
      if (this.#anonymous !== null) return this.#anonymous;
      throw unauthorized();
    }
    const credentialSha256 = credentialHash(authorization);
    if (credentialSha256 === null) throw unauthorized();
    const caller = this.#named.get(credentialSha256);
    if (caller !== undefined) return caller;
    if (!withKey || this.#keyOwners === null) throw unauthorized();
    // Longer than any name in the operator file: nobody is taken for somebody else.
    const name = `owner of a key, ${credentialSha256}`;
    return { name, limit: this.#keyOwners, provisions: false, credentialSha256, keyOwner: true };
  }
}

/** Looked up by hash: how long that takes says nothing about a credential that is not known already. */
function credentialHash(authorization: string | undefined): Hex | null {
  const credential = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? "")?.[1];
  if (credential === undefined || credential.length > MAX_CREDENTIAL_LENGTH) return null;
  return toHex(createHash("sha256").update(credential).digest());
}

function unauthorized(): InputError {
  return new InputError({
    code: "INPUT_UNAUTHORIZED",
    message: "this call needs a credential that the operator gave out: Authorization: Bearer …",
  });
}
