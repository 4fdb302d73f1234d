/** The payer of a provider, and the credential that says so. */

import { UpstreamError } from "../../protocol/errors.ts";
import { worstCasePrice } from "../answers/worst-case.ts";
import type { CatalogModel } from "../models/model-catalog.ts";
import type { ModelQuestion } from "../../runtime/models/model-format.ts";

/** As providers count them: cached input and hidden reasoning included. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One exchange's worst case, set aside before anything is sent. */
export interface Charge {
  /** null where the server asks for none. */
  readonly credential: string | null;
  /** Takes the actual cost; null if unknown, which counts as the worst case. Called once. */
  readonly settle: (used: Tokens | null) => void;
}

export interface Account {
  /** Wei: the most that an exchange costs the operator, which a request's fee has to cover. */
  readonly price: (target: CatalogModel, question: ModelQuestion) => bigint;
  /**
   * @throws {InputError} INPUT_CAP_REACHED; INPUT_UNAUTHORIZED for a model that the account is not for
   * @throws {UpstreamError} ENCLAVE_UNAVAILABLE when the operator has brought no key
   */
  readonly charge: (target: CatalogModel, question: ModelQuestion) => Charge;
}

/** The operator's: paid by fees and by agreement, with the keys that were brought to the enclave. */
export function createOperatorAccount(secret: (name: string) => string | null): Account {
  return {
    price: ({ model }, question) => worstCasePrice(model, question),
    charge: ({ provider, id }) => {
      if (provider.secret === null) return { credential: null, settle: () => undefined };
      const credential = secret(provider.secret);
      // Without it the provider would refuse, and would have read the prompt.
      if (credential === null) {
        throw new UpstreamError({
          code: "ENCLAVE_UNAVAILABLE",
          message: `the operator has brought no key for ${id} yet: ask again, or bring a key of your own`,
          details: { model: id },
        });
      }
      return { credential, settle: () => undefined };
    },
  };
}
