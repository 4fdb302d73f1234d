import type { Hex } from "../../protocol/bytes.ts";
import type { AgentSecrets } from "../agents/agent-secrets.ts";
import type { TrustedClock } from "../clock/trusted-clock.ts";
import type { UpgradeSettings } from "../configuration/upgrade-settings.ts";
import type { AttestedIdentity, Identity } from "../identity/identity.ts";
import type { SecretStore } from "../secrets/secret-store.ts";

/** What both ends of a hand-over are made of. */
export interface UpgradeParts {
  /** `undefined` where the behaviour file says nothing of upgrades. */
  readonly settings: UpgradeSettings | undefined;
  readonly identity: Identity;
  readonly attest: (nonce: Hex) => Promise<AttestedIdentity>;
  readonly clock: TrustedClock;
  readonly monotonicMs: () => number;
  readonly secrets: SecretStore;
  /** null where this enclave runs no agents. */
  readonly agentSecrets: AgentSecrets | null;
}
