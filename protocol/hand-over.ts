/**
 * How secrets go from an enclave to its successor (docs/reference/enclave-http.md, Upgrades). The one that takes them asks, over
 * TLS to the attested key of the one that gives; they come sealed to the attested key of the one that takes.
 */

import * as z from "zod";
import { SecretBinding } from "./agent-secret.ts";
import { bytes32 } from "./fields.ts";
import { Keyset } from "./keyset.ts";
import { BoundEvidence, EndorsementsJson } from "./receipt.ts";
import { SealedSecret, SecretName } from "./sealed-secret.ts";

/** Entries: an upgrade is announced some times a year, and a log is read whole. */
export const MAX_UPGRADE_ENTRIES = 1_024;
const MAX_NOTE_CHARACTERS = 131_072;

/** All entries; a head that was cosigned when the timelock began, and one of today: nothing newer is being kept back. */
export const UpgradeLog = z.strictObject({
  entries: z.array(z.string().max(8_192)).min(1).max(MAX_UPGRADE_ENTRIES),
  announced: z.string().max(MAX_NOTE_CHARACTERS),
  head: z.string().max(MAX_NOTE_CHARACTERS),
});
export type UpgradeLog = z.output<typeof UpgradeLog>;

/** What both enclaves are shown. All of it comes from the host, and is worth what is signed in it. */
export const UpgradeCase = z.strictObject({
  log: UpgradeLog,
  /** Appraisal policies: their digests are what owners signed. */
  policies: z.strictObject({ from: z.json(), to: z.json() }),
  /** Where an enclave does not bring its vendor's endorsements itself. */
  endorsements: z.strictObject({ from: EndorsementsJson, to: EndorsementsJson }),
});
export type UpgradeCase = z.output<typeof UpgradeCase>;

/** `POST /v1/upgrades`, to the successor. */
export const TakeOverCall = z.strictObject({
  /** Origin of the enclave that gives. */
  giver: z.string().max(512),
  /** With which the giver lets this enclave in. */
  credential: z.string().max(512),
  case: UpgradeCase,
});
export type TakeOverCall = z.output<typeof TakeOverCall>;

export const TakeOverReply = z.strictObject({
  /** Of the enclave that gave. */
  keysetId: bytes32,
  taken: z.array(z.string()),
  /** This enclave has them already, or has no use for them. */
  left: z.array(z.string()),
});
export type TakeOverReply = z.output<typeof TakeOverReply>;

/** `POST /v1/upgrades/challenges`, to the enclave that gives. */
export const ChallengeReply = z.strictObject({ nonce: bytes32 });
export type ChallengeReply = z.output<typeof ChallengeReply>;

/** `POST /v1/upgrades/secrets`, to the enclave that gives. */
export const HandOverCall = z.strictObject({
  case: UpgradeCase,
  /** Of the challenge: the evidence is made for it. */
  nonce: bytes32,
  keyset: Keyset,
  evidence: BoundEvidence,
  endorsements: EndorsementsJson.nullable(),
});
export type HandOverCall = z.output<typeof HandOverCall>;

export const HandOverReply = z.strictObject({
  operator: z.array(z.strictObject({ name: SecretName, sealed: SealedSecret })),
  agents: z.array(
    z.strictObject({ binding: SecretBinding, caller: z.string().max(256), sealed: SealedSecret }),
  ),
});
export type HandOverReply = z.output<typeof HandOverReply>;
