import { createHmac, randomBytes } from "node:crypto";
import { InputError } from "../../protocol/errors.ts";
import { MAX_KEY_LIFETIME_SECONDS, type ProviderKey } from "../../protocol/provider-key.ts";
import type { Tokens } from "./account.ts";

/** Keys remembered at once, at about 200 bytes each. */
const MAX_KEYS = 100_000;

interface Entry {
  /** Includes amounts set aside for calls under way. */
  inputTokens: number;
  outputTokens: number;
  /** Calls under way. */
  open: number;
  /** Seconds: by then every sealing of the key that could be used at its last use has expired. */
  forgetAt: number;
}

/**
 * Spending on each key that requesters brought: in the life of this keyset, whoever asked and however often the
 * key was sealed anew. Keys are known by a keyed hash and are not kept.
 */
export class SpendingLedger {
  readonly #salt = randomBytes(32);
  readonly #entries = new Map<string, Entry>();
  readonly #maxKeys: number;

  constructor(maxKeys = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  /** Keys of which something is spent, or set aside. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Sets `most` aside until the returned function is told what was used; null, where nobody knows, leaves it spent.
   *
   * @param now seconds
   * @throws {InputError} INPUT_CAP_REACHED when it does not fit the key's cap; INPUT_RATE_LIMITED when no further key can
   *   be remembered
   */
  reserve(key: ProviderKey, most: Tokens, now: number): (used: Tokens | null) => void {
    const fingerprint = this.#fingerprint(key);
    const entry = this.#entries.get(fingerprint) ?? { inputTokens: 0, outputTokens: 0, open: 0, forgetAt: 0 };
    const inputTokensLeft = Math.max(0, key.cap.inputTokens - entry.inputTokens);
    const outputTokensLeft = Math.max(0, key.cap.outputTokens - entry.outputTokens);
    if (most.inputTokens > inputTokensLeft || most.outputTokens > outputTokensLeft) {
      throw new InputError({
        code: "INPUT_CAP_REACHED",
        message:
          "the worst case of this call exceeds what is left of the key's cap: ask for less, or raise the cap",
        details: { inputTokensLeft, outputTokensLeft, ...most },
      });
    }
    if (!this.#entries.has(fingerprint)) this.#makeRoom(now);
    entry.inputTokens += most.inputTokens;
    entry.outputTokens += most.outputTokens;
    entry.open += 1;
    entry.forgetAt = now + MAX_KEY_LIFETIME_SECONDS;
    this.#entries.set(fingerprint, entry);
    return (used) => {
      entry.open -= 1;
      entry.inputTokens += (used ?? most).inputTokens - most.inputTokens;
      entry.outputTokens += (used ?? most).outputTokens - most.outputTokens;
      // A key that its provider does not take leaves nothing behind: made-up ones would fill the ledger.
      if (entry.open === 0 && entry.inputTokens === 0 && entry.outputTokens === 0)
        this.#entries.delete(fingerprint);
    };
  }

  #makeRoom(now: number): void {
    if (this.#entries.size < this.#maxKeys) return;
    for (const [fingerprint, { open, forgetAt }] of this.#entries)
      if (open === 0 && forgetAt < now) this.#entries.delete(fingerprint);
    if (this.#entries.size < this.#maxKeys) return;
    throw new InputError({
      code: "INPUT_RATE_LIMITED",
      message: "the enclave cannot keep account of any further key",
    });
  }

  /** By provider and key: who else brings the same key spends of the same cap. */
  #fingerprint({ models, key }: ProviderKey): string {
    const [provider = ""] = (models[0] ?? "").split("/", 1);
    return createHmac("sha256", this.#salt).update(`${provider}\0${key}`).digest("base64");
  }
}
