/** The successor: asks the enclave that its owners' upgrade leads from for the secrets that may come along. */

import { isSignedByOwners, parseUpgradeEntry } from "../../attestation/upgrade/verify-upgrade.ts";
import type { Channel } from "../../client/channel.ts";
import { openPinnedChannel } from "../../client/pinned-channel.ts";
import { readAtMost } from "../../client/read-at-most.ts";
import { boundName } from "../../protocol/agent-secret.ts";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { ErrorReply } from "../../protocol/enclave-api.ts";
import { EvidenceError, InputError, UpstreamError } from "../../protocol/errors.ts";
import {
  ChallengeReply,
  HandOverReply,
  type HandOverCall,
  type TakeOverCall,
  type TakeOverReply,
  type UpgradeCase,
} from "../../protocol/hand-over.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import type { Upgrade } from "../../protocol/upgrade.ts";
import type { UpgradeSettings } from "../configuration/upgrade-settings.ts";
import { settingsOf, timeOf, verifierOf } from "./upgrade-case.ts";
import type { UpgradeParts } from "./upgrade-parts.ts";

/** Bytes: thousands of secrets in hex. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** Milliseconds: two pieces of evidence are made and judged. */
const CALL_TIMEOUT_MS = 60_000;

/**
 * Holds on return: owners of this enclave signed the upgrade that leads to it; the secrets came from an enclave that the upgrade
 * leads from, over TLS to its attested key. What this enclave has already, it keeps.
 *
 * @throws {EvidenceError}, {AppraisalError}, {EndorsementError}, {InputError}, {UpstreamError}: also for what the giver refused
 */
export async function takeSecrets(parts: UpgradeParts, call: TakeOverCall): Promise<TakeOverReply> {
  const settings = settingsOf(parts.settings);
  const now = timeOf(parts.clock);
  const upgrade = findUpgrade(parts, settings, call.case);
  const channel = await openPinnedChannel(originOf(call.giver), verifierOf(upgrade, call.case, "from", now));
  try {
    const { keyset, keysetId } = channel.peer;
    if (keyset.behaviourDigest !== upgrade.from.behaviourDigest) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the enclave that gives has another behaviour file than the upgrade names",
        details: { expected: upgrade.from.behaviourDigest, actual: keyset.behaviourDigest },
      });
    }
    const { nonce } = ChallengeReply.parse(await ask(channel, call, "/v1/upgrades/challenges", {}));
    const { identity, attest } = parts;
    const shown = { case: call.case, nonce, keyset: identity.keyset, ...(await attest(nonce)) };
    const given = await ask(channel, call, "/v1/upgrades/secrets", shown satisfies HandOverCall);
    return { keysetId, ...(await keep(parts, HandOverReply.parse(given))) };
  } finally {
    channel.close();
  }
}

/** The newest that owners of this enclave signed for it. Timelock and witnesses are for the giver, whose secrets they guard. */
function findUpgrade({ identity }: UpgradeParts, settings: UpgradeSettings, given: UpgradeCase): Upgrade {
  const from = configurationDigest(given.policies.from);
  const to = configurationDigest(given.policies.to);
  const found = given.log.entries
    .map(parseUpgradeEntry)
    .findLast(
      ({ upgrade }) =>
        upgrade.sequence === settings.sequence &&
        upgrade.to.behaviourDigest === identity.keyset.behaviourDigest &&
        upgrade.to.policyDigest === to &&
        upgrade.from.policyDigest === from,
    );
  if (found === undefined) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message:
        "the log has no upgrade to this enclave with these policies and the sequence that its behaviour file has",
      details: { sequence: settings.sequence, behaviourDigest: identity.keyset.behaviourDigest },
    });
  }
  if (!isSignedByOwners(found, settings.authority)) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "too few owners that this enclave's behaviour file names signed the upgrade",
      details: { needed: settings.authority.threshold },
    });
  }
  return found.upgrade;
}

function originOf(giver: string): string {
  const url = URL.parse(giver);
  if (url?.protocol === "https:" && `${url.origin}/` === url.href) return url.origin;
  throw new InputError({ code: "INPUT_INVALID", message: "giver is the https origin of the other enclave" });
}

async function ask(channel: Channel, call: TakeOverCall, path: string, body: object): Promise<Json> {
  const bytes = toUtf8(JSON.stringify(body));
  const headers = {
    authorization: `Bearer ${call.credential}`,
    "content-type": "application/json",
    "content-length": String(bytes.length),
  };
  const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const request = new Request(new URL(path, originOf(call.giver)), { method: "POST", headers, signal });
  let status: number;
  let reply: Uint8Array;
  try {
    const response = await channel.send(request, bytes);
    status = response.status;
    reply = await readAtMost(response, MAX_REPLY_BYTES);
  } catch (cause) {
    throw new UpstreamError({
      code: "ENCLAVE_UNAVAILABLE",
      message: "the enclave that gives cannot be reached",
      cause,
    });
  }
  if (status === 200) return parseJson(reply);
  throw refusalOf(status, reply);
}

/** What the giver refused, by its code: whoever asked for the hand-over has to hear it. */
function refusalOf(status: number, reply: Uint8Array): EvidenceError | UpstreamError {
  const refusal = ErrorReply.safeParse(parseText(reply)).data?.error;
  return new UpstreamError({
    code: "ENCLAVE_REFUSED",
    message: `the enclave that gives refused: ${refusal?.message ?? `HTTP status ${status}`}`,
    details: { status, refusal: refusal?.code ?? null },
  });
}

function parseText(reply: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(reply));
  } catch {
    return null;
  }
}

type Kept = Omit<TakeOverReply, "keysetId">;

async function keep({ secrets, agentSecrets }: UpgradeParts, given: HandOverReply): Promise<Kept> {
  const taken: string[] = [];
  const left: string[] = [];
  for (const { name, sealed } of given.operator) {
    const isNew = secrets.uses(name) && secrets.get(name) === null;
    if (isNew) await secrets.put(name, sealed);
    (isNew ? taken : left).push(name);
  }
  for (const { binding, caller, sealed } of given.agents) {
    const isNew = agentSecrets !== null && agentSecrets.get(binding) === null;
    if (isNew) await agentSecrets.put(binding, sealed, caller);
    (isNew ? taken : left).push(boundName(binding));
  }
  return { taken, left };
}
