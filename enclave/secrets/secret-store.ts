import { InputError } from "../../protocol/errors.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { openSecret, type SealedSecret } from "../../protocol/sealed-secret.ts";
import type { Behaviour } from "../configuration/behaviour.ts";
import type { Identity } from "../identity/identity.ts";

interface Kept {
  readonly value: string;
  readonly upgrades: Hex | undefined;
}

/**
 * Provider keys, in memory only and gone with the process, unless a planned upgrade takes along those that named its owners. Whoever
 * operates the enclave provides them anew.
 */
export class SecretStore {
  readonly #identity: Identity;
  readonly #names: ReadonlySet<string>;
  readonly #secrets = new Map<string, Kept>();

  constructor(identity: Identity, behaviour: Behaviour) {
    this.#identity = identity;
    const names = Object.values(behaviour.providers).map(({ secret }) => secret);
    this.#names = new Set(names.filter((name) => name !== null));
  }

  /** null where it was not provided yet. */
  get(name: string): string | null {
    return this.#secrets.get(name)?.value ?? null;
  }

  /** @throws {InputError} INPUT_NOT_FOUND for a name that no provider of the behaviour file has; INPUT_INVALID */
  async put(name: string, sealed: SealedSecret): Promise<void> {
    this.#checkName(name);
    const { keysetId, keys } = this.#identity;
    const secret = await openSecret({ keysetId, privateKey: keys.sealing.privateKey }, name, sealed);
    // Printable ASCII: it becomes a header, and nothing may end that header early.
    if (!/^[\x21-\x7e]+$/.test(secret))
      throw new InputError({ code: "INPUT_INVALID", message: "a secret is printable ASCII without spaces" });

    this.#secrets.set(name, { value: secret, upgrades: sealed.upgrades });
  }

  /** Whether a provider of the behaviour file has a secret of that name. */
  uses(name: string): boolean {
    return this.#names.has(name);
  }

  /** Those that may go with upgrades of this authority. */
  handedOverTo(authorityId: Hex): readonly { readonly name: string; readonly value: string }[] {
    return [...this.#secrets]
      .filter(([, { upgrades }]) => upgrades === authorityId)
      .map(([name, { value }]) => ({ name, value }));
  }

  #checkName(name: string): void {
    if (this.uses(name)) return;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: "no provider uses a secret of that name" });
  }
}
