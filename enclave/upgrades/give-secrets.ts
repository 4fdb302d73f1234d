/**
 * The enclave that gives: hands the secrets that named its owners to the successor that those owners signed. Keys of its own never
 * leave; what is sealed to them, and every request under way, it goes on answering itself.
 */

import { randomBytes } from "node:crypto";
import { verifyUpgrade } from "../../attestation/upgrade/verify-upgrade.ts";
import { boundName } from "../../protocol/agent-secret.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError, InputError } from "../../protocol/errors.ts";
import type { HandOverCall, HandOverReply, UpgradeCase } from "../../protocol/hand-over.ts";
import { sealSecret, type SealingTarget } from "../../protocol/sealed-secret.ts";
import { upgradeAuthorityId, type Upgrade } from "../../protocol/upgrade.ts";
import { settingsOf, timeOf, verifierOf } from "./upgrade-case.ts";
import type { UpgradeParts } from "./upgrade-parts.ts";

/** Milliseconds until a challenge is void: one call, in which a device makes evidence. */
const CHALLENGE_LIFETIME_MS = 60_000;
/** At once: a hand-over has one. */
const MAX_CHALLENGES = 16;

export class SecretGiver {
  readonly #parts: UpgradeParts;
  /** By nonce: when it was given out. */
  readonly #challenges = new Map<Hex, number>();
  /** Of the last upgrade that was honoured. */
  #sequence = 0;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
  }

  /** A nonce for the successor's evidence, good for one call. */
  challenge(): Hex {
    settingsOf(this.#parts.settings);
    const now = this.#parts.monotonicMs();
    for (const [nonce, at] of this.#challenges) {
      if (now - at > CHALLENGE_LIFETIME_MS || this.#challenges.size >= MAX_CHALLENGES)
        this.#challenges.delete(nonce);
    }
    const nonce = toHex(randomBytes(32));
    this.#challenges.set(nonce, now);
    return nonce;
  }

  /**
   * Holds on return: `verifyUpgrade`; this enclave is one that the upgrade leads from, and the keyset that the secrets are sealed to
   * belongs to one that it leads to, by evidence that was made for this call.
   *
   * @throws {EvidenceError}, {AppraisalError}, {EndorsementError}, {InputError}, {UpstreamError}
   */
  async give(call: HandOverCall): Promise<HandOverReply> {
    const { settings, identity, clock } = this.#parts;
    const { authority, sequence } = settingsOf(settings);
    this.#spend(call.nonce);
    const now = timeOf(clock);
    const upgrade = verifyUpgrade(call.case.log, {
      authority,
      from: identity.keyset,
      above: Math.max(sequence, this.#sequence),
      now,
    });
    await this.#checkSelf(upgrade, call.case, now);
    if (call.keyset.behaviourDigest !== upgrade.to.behaviourDigest) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the enclave that asks has another behaviour file than the upgrade names",
        details: { expected: upgrade.to.behaviourDigest, actual: call.keyset.behaviourDigest },
      });
    }
    const verifier = verifierOf(upgrade, call.case, "to", now);
    const { keysetId } = await verifier.verifyAttestation(call, call.nonce);
    const reply = await this.#seal({ keysetId, sealingKey: call.keyset.sealingKey });
    // The same upgrade goes again, to the next machine of the successor; a lower one never.
    this.#sequence = upgrade.sequence - 1;
    return reply;
  }

  #spend(nonce: Hex): void {
    const at = this.#challenges.get(nonce);
    this.#challenges.delete(nonce);
    if (at !== undefined && this.#parts.monotonicMs() - at <= CHALLENGE_LIFETIME_MS) return;
    throw new InputError({
      code: "INPUT_EXPIRED",
      message:
        "the challenge is not of this enclave, or was used, or is older than a minute: ask for another",
    });
  }

  /** An image of the same behaviour file that owners did not mean must not give either. */
  async #checkSelf(upgrade: Upgrade, given: UpgradeCase, now: number): Promise<void> {
    const { identity, attest } = this.#parts;
    const nonce = toHex(randomBytes(32));
    const shown = { keyset: identity.keyset, ...(await attest(nonce)) };
    await verifierOf(upgrade, given, "from", now).verifyAttestation(shown, nonce);
  }

  async #seal(target: SealingTarget): Promise<HandOverReply> {
    const { settings, secrets, agentSecrets } = this.#parts;
    const id = upgradeAuthorityId(settingsOf(settings).authority);
    const operator = secrets.handedOverTo(id).map(async ({ name, value }) => ({
      name,
      sealed: await sealSecret(target, name, value, id),
    }));
    const agents = (agentSecrets?.handedOverTo(id) ?? []).map(async ({ binding, caller, value }) => ({
      binding,
      caller,
      sealed: await sealSecret(target, boundName(binding), value, id),
    }));
    return { operator: await Promise.all(operator), agents: await Promise.all(agents) };
  }
}
