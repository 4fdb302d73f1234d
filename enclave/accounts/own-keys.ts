/** Keys that a requester brought: checked against whoever brings them, and charged within their caps. */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_KEY_LIFETIME_SECONDS, type ProviderKey } from "../../protocol/provider-key.ts";
import { mostInputTokens } from "../answers/worst-case.ts";
import type { Account } from "./account.ts";
import { tokenLimit } from "../../runtime/models/model-format.ts";
import type { SpendingLedger } from "./spending-ledger.ts";

/** Who brings a key: a caller by the hash of the credential that it showed, or a request's payer. */
export type Bringer = { readonly credentialSha256: Hex } | { readonly payer: Hex };

/**
 * @param now seconds
 * @throws {InputError} INPUT_UNAUTHORIZED for a key of somebody else's; INPUT_EXPIRED; INPUT_INVALID for one that is valid
 *   for too long
 */
export function checkOwnKey({ owner, expiresAt }: ProviderKey, bringer: Bringer, now: number): void {
  const own =
    "payer" in owner
      ? "payer" in bringer && bringer.payer === owner.payer
      : "credentialSha256" in bringer && bringer.credentialSha256 === owner.credentialSha256;
  if (!own) {
    throw new InputError({
      code: "INPUT_UNAUTHORIZED",
      message: "the provider key is bound to another owner than the one who brings it",
    });
  }
  if (expiresAt < now) {
    throw new InputError({
      code: "INPUT_EXPIRED",
      message: "the sealed provider key has expired: seal it anew",
      details: { expiresAt, now },
    });
  }
  if (expiresAt > now + MAX_KEY_LIFETIME_SECONDS) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `a provider key is sealed for at most ${MAX_KEY_LIFETIME_SECONDS} seconds`,
      details: { expiresAt, now },
    });
  }
}

export interface OwnKeysTerms {
  /** Each of them went through `checkOwnKey`. */
  readonly keys: readonly ProviderKey[];
  readonly ledger: SpendingLedger;
  /** Seconds. */
  readonly now: number;
  /** Pays for the models that no key is for; null where nobody does. */
  readonly otherwise: Account | null;
}

export function createOwnAccount({ keys, ledger, now, otherwise }: OwnKeysTerms): Account {
  const keyFor = (id: string): ProviderKey | undefined => keys.find(({ models }) => models.includes(id));
  return {
    // The provider bills the key's owner for tokens; the operator's price for a call remains.
    price: (target, question) =>
      keyFor(target.id) === undefined && otherwise !== null
        ? otherwise.price(target, question)
        : target.model.price.perRequest,
    charge: (target, question) => {
      const key = keyFor(target.id);
      if (key !== undefined) {
        const most = {
          inputTokens: mostInputTokens(question, target.model),
          outputTokens: tokenLimit(question),
        };
        return { credential: key.key, settle: ledger.reserve(key, most, now) };
      }
      if (otherwise !== null) return otherwise.charge(target, question);
      throw new InputError({
        code: "INPUT_UNAUTHORIZED",
        message: `the provider key that you brought is not for ${target.id}`,
        details: { model: target.id },
      });
    },
  };
}
