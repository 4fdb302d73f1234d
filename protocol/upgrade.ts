/**
 * A planned upgrade: owners say that secrets of one enclave may go to another. What is signed, who may sign it, and where it has to
 * have been announced. Whether one is authorised is `attestation/upgrade/verify-upgrade.ts`. Reference: docs/reference/protocol.md, Upgrades.
 */

import * as z from "zod";
import { fromUtf8, type Hex } from "./bytes.ts";
import { encodeCanonicalJson } from "./canonical-json.ts";
import { UPGRADE_DOMAIN, typedDataDigest } from "./domain.ts";
import { address, bytes32, signature65 } from "./fields.ts";
import { configurationDigest } from "./keyset.ts";
import { bytes32Word, hashWords, keccakText, uintWord } from "./struct-hash.ts";
import { parseVerifierKey, type NoteSigner } from "./verifier-key.ts";

/** Which enclaves are meant: those whose evidence this policy accepts, with this behaviour file. */
export const EnclaveProgram = z.strictObject({
  /** SHA-256 of the appraisal policy's canonical JSON. */
  policyDigest: bytes32,
  behaviourDigest: bytes32,
});
export type EnclaveProgram = z.output<typeof EnclaveProgram>;

export const Upgrade = z.strictObject({
  from: EnclaveProgram,
  to: EnclaveProgram,
  /** Only rises. The highest that owners signed for `from` is the one that counts: to take one back, sign a higher one from `from` to itself. */
  sequence: z.int().min(1).max(0xffff_ffff),
});
export type Upgrade = z.output<typeof Upgrade>;

/** An entry of the log of upgrades. */
export const SignedUpgrade = z.strictObject({ upgrade: Upgrade, signatures: z.array(signature65).max(32) });
export type SignedUpgrade = z.output<typeof SignedUpgrade>;

const PROGRAM_TYPE = "EnclaveProgram(bytes32 policyDigest,bytes32 behaviourDigest)";
export const UPGRADE_TYPE = `Upgrade(EnclaveProgram from,EnclaveProgram to,uint64 sequence)${PROGRAM_TYPE}`;
const PROGRAM_TYPEHASH = keccakText(PROGRAM_TYPE);
const UPGRADE_TYPEHASH = keccakText(UPGRADE_TYPE);

function programHash({ policyDigest, behaviourDigest }: EnclaveProgram): Hex {
  return hashWords(PROGRAM_TYPEHASH, [bytes32Word(policyDigest), bytes32Word(behaviourDigest)]);
}

/** The 32 bytes that an owner signs (EIP-712). */
export function upgradeDigest({ from, to, sequence }: Upgrade): Hex {
  const words = [bytes32Word(programHash(from)), bytes32Word(programHash(to)), uintWord(sequence)];
  return typedDataDigest(UPGRADE_DOMAIN, hashWords(UPGRADE_TYPEHASH, words));
}

/** A line of the log. */
export function encodeSignedUpgrade(signed: SignedUpgrade): string {
  return fromUtf8(encodeCanonicalJson(signed));
}

function verifierKey(signer: NoteSigner): z.ZodString {
  return z
    .string()
    .max(512)
    .refine(
      (text) => {
        try {
          parseVerifierKey(text, signer);
          return true;
        } catch {
          return false;
        }
      },
      { error: `expected the C2SP verifier key of a ${signer}: name+id+base64` },
    );
}

const isDistinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** Seconds. */
const MAX_TIMELOCK = 365 * 86_400;

/** Who decides of upgrades, and where everybody can see them coming. */
export const UpgradeAuthority = z
  .strictObject({
    owners: z.array(address).min(1).max(32).refine(isDistinct, { error: "an owner is listed twice" }),
    /** Owners that have to sign. */
    threshold: z.int().min(1).max(32),
    /** Seconds from the witnesses' first sight of an upgrade to the first secret that leaves. */
    timelock: z.int().min(0).max(MAX_TIMELOCK),
    /** Whose log upgrades are announced in. */
    log: verifierKey("log"),
    witnesses: z
      .array(verifierKey("witness"))
      .min(1)
      .max(16)
      .refine(isDistinct, { error: "a witness is listed twice" }),
    /** Witnesses that have to have seen it. */
    witnessThreshold: z.int().min(1).max(16),
  })
  .refine(({ owners, threshold }) => threshold <= owners.length, {
    error: "more owners have to sign than there are",
    path: ["threshold"],
  })
  .refine(({ witnesses, witnessThreshold }) => witnessThreshold <= witnesses.length, {
    error: "more witnesses have to sign than there are",
    path: ["witnessThreshold"],
  });
export type UpgradeAuthority = z.output<typeof UpgradeAuthority>;

/** What a secret names when it is sealed. Other owners, another timelock or other witnesses are another authority. */
export function upgradeAuthorityId(authority: UpgradeAuthority): Hex {
  return configurationDigest(authority);
}
