/** Is a planned upgrade of enclaves authorised? By its owners, announced for long enough, and the newest of its log. */

import { recoverSigner } from "../../protocol/answer.ts";
import { equalBytes, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { parseCanonicalJson } from "../../protocol/canonical-json.ts";
import {
  AdytonError,
  EvidenceError,
  type ErrorDetails,
  type EvidenceErrorCode,
} from "../../protocol/errors.ts";
import type { UpgradeLog } from "../../protocol/hand-over.ts";
import { CLOCK_TOLERANCE_SECONDS } from "../../protocol/limits.ts";
import { leafHash, merkleRoot } from "../../protocol/merkle-tree.ts";
import {
  SignedUpgrade,
  upgradeDigest,
  type EnclaveProgram,
  type Upgrade,
  type UpgradeAuthority,
} from "../../protocol/upgrade.ts";
import { parseVerifierKey } from "../../protocol/verifier-key.ts";
import {
  cosignatureTimes,
  isSignedBy,
  parseCheckpointText,
  parseSignedNote,
  type SignedNote,
} from "../log/signed-note.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

/** Seconds: a head older than that may hide an upgrade that took this one back. */
const MAX_HEAD_AGE = 86_400;

export interface UpgradeTerms {
  /** As the enclave that gives has it in its behaviour file. */
  readonly authority: UpgradeAuthority;
  /** The enclave that gives; its policy is what the upgrade says. */
  readonly from: Pick<EnclaveProgram, "behaviourDigest">;
  /** The upgrade's sequence is higher. */
  readonly above: number;
  readonly now: UnixSeconds;
}

/**
 * Verifies that the owners of `from` let its secrets go, as the log tells it.
 *
 * Establishes: enough owners signed the upgrade; enough witnesses saw it in the log at least the timelock ago, and saw the log's end
 * within a day; no upgrade of `from` that owners signed is newer; its sequence is above what is known.
 * Leaves to the caller: that the two enclaves are those that the upgrade names, and that the secrets' owners named this authority.
 * Witnesses of an enclave's choice tell it no more than the host lets through: what is younger than the head's cosignatures is unknown.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_SIGNATURE_INVALID for owners, log or witnesses that did not sign;
 *   EVIDENCE_BINDING_MISMATCH for entries that are not the log's, or no upgrade of this enclave; EVIDENCE_NOT_YET_VALID before the
 *   timelock has passed; EVIDENCE_STALE for a head or a sequence that is too low
 */
export function verifyUpgrade(log: UpgradeLog, { authority, from, above, now }: UpgradeTerms): Upgrade {
  const leaves = log.entries.map((entry) => leafHash(toUtf8(entry)));
  const announced = checkHead("announced", log.announced, leaves, authority);
  const head = checkHead("head", log.head, leaves, authority);
  if (head.size !== log.entries.length)
    throw failure("EVIDENCE_BINDING_MISMATCH", "the head does not cover all entries", { size: head.size });

  const latest = now + CLOCK_TOLERANCE_SECONDS;
  checkWitnesses(head.note, authority, {
    code: "EVIDENCE_STALE",
    message: `too few witnesses saw the log's end within the last ${MAX_HEAD_AGE} seconds: have it cosigned again`,
    isTimely: (time) => time >= now - MAX_HEAD_AGE && time <= latest,
  });
  checkWitnesses(announced.note, authority, {
    code: "EVIDENCE_NOT_YET_VALID",
    message: `too few witnesses saw the upgrade ${authority.timelock} seconds ago: wait, and try again`,
    isTimely: (time) => time <= now - authority.timelock,
  });
  const { upgrade, index } = newestOf(log.entries, authority, from.behaviourDigest);
  if (index >= announced.size) {
    const details = { sequence: upgrade.sequence, index, announced: announced.size };
    throw failure(
      "EVIDENCE_NOT_YET_VALID",
      "the newest upgrade of this enclave was announced later",
      details,
    );
  }
  if (upgrade.sequence <= above) {
    const details = { sequence: upgrade.sequence, above };
    throw failure("EVIDENCE_STALE", "the upgrade's sequence is not above the last one's", details);
  }
  return upgrade;
}

/** Whether so many owners signed it. Counted are owners, and not signatures. */
export function isSignedByOwners(signed: SignedUpgrade, { owners, threshold }: UpgradeAuthority): boolean {
  const digest = upgradeDigest(signed.upgrade);
  const signers = new Set(signed.signatures.map((signature) => signerOf(digest, signature)));
  return owners.filter((owner) => signers.has(owner)).length >= threshold;
}

/** @throws {EvidenceError} EVIDENCE_MALFORMED */
export function parseUpgradeEntry(entry: string): SignedUpgrade {
  try {
    return SignedUpgrade.parse(parseCanonicalJson(toUtf8(entry)));
  } catch (cause) {
    throw failure("EVIDENCE_MALFORMED", "an entry is no upgrade", {}, cause);
  }
}

function signerOf(digest: Hex, signature: Hex): Hex | null {
  try {
    return recoverSigner(digest, signature);
  } catch (error) {
    if (error instanceof AdytonError) return null;
    throw error;
  }
}

interface Head {
  readonly note: SignedNote;
  readonly size: number;
}

function checkHead(
  which: string,
  text: string,
  leaves: readonly Uint8Array[],
  authority: UpgradeAuthority,
): Head {
  const log = parseVerifierKey(authority.log);
  const note = parseSignedNote(text);
  const { origin, size, root } = parseCheckpointText(note.text);
  if (origin !== log.name || !isSignedBy(note, log))
    throw failure("EVIDENCE_SIGNATURE_INVALID", "a checkpoint is not signed by the log's key", { which });

  // Both are heads of the same entries, so that the later continues the earlier one.
  if (size > leaves.length || !equalBytes(merkleRoot(leaves.slice(0, size)), root))
    throw failure("EVIDENCE_BINDING_MISMATCH", "the entries are not those of a checkpoint", { which, size });

  return { note, size };
}

interface WitnessRule {
  readonly code: EvidenceErrorCode;
  readonly message: string;
  readonly isTimely: (time: UnixSeconds) => boolean;
}

function checkWitnesses(
  note: SignedNote,
  { witnesses, witnessThreshold }: UpgradeAuthority,
  { code, message, isTimely }: WitnessRule,
): void {
  const times = witnesses.map((key) => cosignatureTimes(note, parseVerifierKey(key, "witness")));
  const signed = times.filter(({ length }) => length > 0).length;
  const details = { needed: witnessThreshold, signed };
  if (signed < witnessThreshold)
    throw failure("EVIDENCE_SIGNATURE_INVALID", "too few witnesses signed a checkpoint", details);

  if (times.filter((given) => given.some(isTimely)).length < witnessThreshold)
    throw failure(code, message, details);
}

interface Placed {
  readonly upgrade: Upgrade;
  readonly index: number;
}

/** Of those that enough owners signed: whoever keeps the log can write into it, and take nothing back. */
function newestOf(entries: readonly string[], authority: UpgradeAuthority, behaviourDigest: Hex): Placed {
  const ours = entries
    .map((entry, index) => ({ signed: parseUpgradeEntry(entry), index }))
    .filter(({ signed: { upgrade } }) => upgrade.from.behaviourDigest === behaviourDigest);
  if (ours.length === 0)
    throw failure("EVIDENCE_BINDING_MISMATCH", "the log has no upgrade of an enclave with this behaviour");

  const authorised = ours.filter(({ signed }) => isSignedByOwners(signed, authority));
  const [newest, second] = authorised.sort(
    (a, b) => b.signed.upgrade.sequence - a.signed.upgrade.sequence || a.index - b.index,
  );
  if (newest === undefined) {
    throw failure("EVIDENCE_SIGNATURE_INVALID", "too few owners signed the upgrade", {
      needed: authority.threshold,
    });
  }
  const { upgrade } = newest.signed;
  if (second?.signed.upgrade.sequence === upgrade.sequence && isOther(second.signed.upgrade, upgrade)) {
    throw failure("EVIDENCE_STALE", "owners signed two upgrades with this sequence: neither counts", {
      sequence: upgrade.sequence,
    });
  }
  return { upgrade, index: newest.index };
}

const isOther = (a: Upgrade, b: Upgrade): boolean => upgradeDigest(a) !== upgradeDigest(b);

function failure(
  code: EvidenceErrorCode,
  message: string,
  details: ErrorDetails = {},
  cause?: unknown,
): EvidenceError {
  return new EvidenceError({ code, message: `upgrade: ${message}`, details, cause });
}
