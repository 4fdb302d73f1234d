import { createHash, randomBytes } from "node:crypto";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import { connectEnclave } from "../../oracle/enclaves/enclave-session.ts";
import { createEvidenceVerifier } from "../../client/evidence-verifier.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { MAX_KEY_LIFETIME_SECONDS, sealProviderKey, type ProviderKey } from "../../protocol/provider-key.ts";
import { wallClock } from "../clock.ts";
import { readInputText } from "../input-file.ts";
import { readPolicy } from "../verify/evidence-options.ts";

const DAY_SECONDS = 86_400;
/** Milliseconds. */
const ENCLAVE_TIMEOUT_MS = 10_000;

export interface SealKeyTerms {
  readonly url: string;
  readonly policyFile: string;
  readonly keyFile: string;
  /** null: a new credential is made. */
  readonly credentialFile: string | null;
  readonly models: readonly string[];
  readonly cap: ProviderKey["cap"];
  readonly days: number;
}

export interface SealedKey {
  readonly keysetId: Hex;
  /** Shown as `Authorization: Bearer …`; null where the caller has brought it, and knows it. */
  readonly credential: string | null;
  /** Of the header `adyton-provider-key`. */
  readonly providerKey: string;
  readonly cap: ProviderKey["cap"];
  /** Seconds. */
  readonly expiresAt: number;
}

/**
 * Holds on return: the enclave's evidence, its certificate's and a fresh one, satisfied the policy, and nothing but the
 * holder of that keyset's sealing key can read the key.
 *
 * @throws {InputError} INPUT_INVALID for a file, model or cap that will not do; what `connectEnclave` throws
 */
export async function sealKey(terms: SealKeyTerms): Promise<SealedKey> {
  const { url, models, cap, days } = terms;
  const now = wallClock();
  if (days * DAY_SECONDS > MAX_KEY_LIFETIME_SECONDS)
    throw new InputError({ code: "INPUT_INVALID", message: "a key is sealed for at most 31 days" });
  const policy = await readPolicy(terms.policyFile);
  const given = terms.credentialFile === null ? null : readInputText(terms.credentialFile).trim();
  const credential = given ?? randomBytes(32).toString("base64url");
  const key: ProviderKey = {
    models: [...models],
    key: readInputText(terms.keyFile).trim(),
    owner: { credentialSha256: `0x${createHash("sha256").update(credential).digest("hex")}` },
    cap,
    expiresAt: now + days * DAY_SECONDS,
  };
  const verifier = createEvidenceVerifier({
    policy,
    endorsements: createVendorSource(),
    now: () => wallClock() * 1_000,
  });
  // Evidence is shown to everybody: no credential is needed for it.
  const address = { url, callerToken: "none" };
  const { client, keysetId, attestation } = await connectEnclave(address, verifier, {
    answerTimeoutMs: ENCLAVE_TIMEOUT_MS,
    maxSockets: 1,
  });
  client.close();
  const providerKey = await sealProviderKey({ keysetId, sealingKey: attestation.keyset.sealingKey }, key);
  return {
    keysetId,
    credential: given === null ? credential : null,
    providerKey,
    cap,
    expiresAt: key.expiresAt,
  };
}
