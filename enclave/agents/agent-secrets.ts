/**
 * The secrets of programs, in memory only and gone with the process: their owners bring them to each enclave anew, or name the
 * owners of enclaves whose planned upgrades may take them along.
 */

import { boundName, type SecretBinding } from "../../protocol/agent-secret.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { openSecret, type SealedSecret } from "../../protocol/sealed-secret.ts";
import type { Identity } from "../identity/identity.ts";

const MAX_SECRETS = 4_096;

interface Kept {
  readonly binding: SecretBinding;
  readonly caller: string;
  readonly value: string;
  readonly upgrades: Hex | undefined;
}

export class AgentSecrets {
  readonly #identity: Identity;
  readonly #secrets = new Map<string, Kept>();

  constructor(identity: Identity) {
    this.#identity = identity;
  }

  /** null where nobody brought it. */
  get(binding: SecretBinding): string | null {
    return this.#secrets.get(boundName(binding))?.value ?? null;
  }

  /**
   * Whoever brings one first may replace it: another's key in its place would send the program's requests to another account.
   *
   * @throws {InputError} INPUT_INVALID; INPUT_UNAUTHORIZED for one that somebody else brought; INPUT_RATE_LIMITED
   */
  async put(binding: SecretBinding, sealed: SealedSecret, caller: string): Promise<void> {
    const { keysetId, keys } = this.#identity;
    const name = boundName(binding);
    const value = await openSecret({ keysetId, privateKey: keys.sealing.privateKey }, name, sealed);
    // It becomes a header, and nothing may end that header early.
    if (!/^[\x20-\x7e]+$/.test(value))
      throw new InputError({ code: "INPUT_INVALID", message: "a secret is printable ASCII" });

    const known = this.#secrets.get(name);
    if (known !== undefined && known.caller !== caller)
      throw new InputError({ code: "INPUT_UNAUTHORIZED", message: "somebody else brought that secret" });

    if (known === undefined && this.#secrets.size >= MAX_SECRETS)
      throw new InputError({ code: "INPUT_RATE_LIMITED", message: "this enclave keeps no more secrets" });

    this.#secrets.set(name, { binding, caller, value, upgrades: sealed.upgrades });
  }

  /** Those that may go with upgrades of this authority. */
  handedOverTo(authorityId: Hex): readonly Kept[] {
    return [...this.#secrets.values()].filter(({ upgrades }) => upgrades === authorityId);
  }
}
