import { createHash } from "node:crypto";
import { answerDigest, AnswerStatus, type Answer } from "../../protocol/answer.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import type { Domain } from "../../protocol/domain.ts";
import type { BoundEvidence } from "../../protocol/receipt.ts";
import { NO_STATE_BLOCK, toStateBlockText, type StateBlock } from "../../protocol/state-block.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { Transcript } from "../../protocol/transcript.ts";
import type { Reading, TrustedClock } from "../clock/trusted-clock.ts";
import type { AttestedIdentity, Identity } from "../identity/identity.ts";
import { signDigest } from "../identity/sign-digest.ts";
import type { StatementLog } from "../log/statement-log.ts";
import { without, type Outcome } from "../../runtime/output/panel.ts";
import { TranscriptRecorder } from "./transcript-recorder.ts";

/** The signer, and its clock. */
export interface Signatory {
  readonly identity: Identity;
  /** Evidence made once, at the start: the transcript names it and the receipt carries it. */
  readonly attested: AttestedIdentity;
  readonly clock: TrustedClock;
  /** Of everything that was signed. */
  readonly log: StatementLog;
  /** Told of whatever was thrown after somebody was asked; the answer goes on as a status. */
  readonly reportBug: (error: unknown) => void;
}

/** Kept with the evidence: it is some kilobytes, and the same for every answer. */
const evidenceHashes = new WeakMap<BoundEvidence, Hex>();

export function evidenceHash(evidence: BoundEvidence): Hex {
  const known = evidenceHashes.get(evidence);
  if (known !== undefined) return known;
  const hash = toHex(createHash("sha256").update(fromHex(evidence.bytes)).digest());
  evidenceHashes.set(evidence, hash);
  return hash;
}

/** The request that is being answered. */
export interface Question {
  readonly domain: Domain;
  readonly requestId: Hex;
  readonly payloadHash: Hex;
  readonly context: Hex;
  /** null off chain. */
  readonly stateBlock: StateBlock | null;
}

export interface MadeAnswer {
  readonly answer: Answer;
  readonly signature: Hex;
  readonly output: Hex;
  readonly transcript: Transcript;
  readonly bodies: Readonly<Record<Hex, Hex>>;
}

/**
 * Records what `work` does and signs what it comes to. This is the only place where the answer key makes a statement: every
 * hash that it signs is computed here.
 *
 * Once a model was asked, something is signed: an error that only some answers cause would let its author ask until one comes
 * that is liked.
 *
 * @throws whatever `work` throws before anyone was asked
 */
export async function makeAnswer(
  signatory: Signatory,
  question: Question,
  work: (recorder: TranscriptRecorder, reading: Reading) => Promise<Outcome>,
  onAsked: () => void = () => undefined,
): Promise<MadeAnswer> {
  const { identity, attested, clock, log } = signatory;
  const reading = clock.read();
  const received = {
    domain: question.domain.name,
    requestId: question.requestId,
    payloadHash: question.payloadHash,
    context: question.context,
    stateBlock: question.stateBlock === null ? null : toStateBlockText(question.stateBlock),
    evidenceHash: evidenceHash(attested.evidence),
    time: reading.now ?? reading.lowerBound,
    clock: { source: reading.source, lowerBound: reading.lowerBound },
  };
  const recorder = new TranscriptRecorder(received, onAsked);
  let outcome: Outcome;
  try {
    outcome = await work(recorder, reading);
  } catch (error) {
    if (!recorder.hasAsked) throw error;
    signatory.reportBug(error);
    outcome = without(AnswerStatus.invalidOutput, "the enclave could not judge the answer");
  }
  const { transcript, root, bodies } = recorder.finish(outcome);
  const end = clock.read();
  const answer: Answer = {
    requestId: question.requestId,
    status: outcome.status,
    outputHash: keccak(outcome.output),
    transcriptRoot: root,
    stateBlockHash: question.stateBlock?.hash ?? NO_STATE_BLOCK,
    keysetId: identity.keysetId,
    answeredAt: BigInt(end.now ?? end.lowerBound),
  };
  const digest = answerDigest(question.domain, answer);
  log.append(answer.requestId, digest);
  const signature = signDigest(digest, identity.keys.answer.privateKey);
  return { answer, signature, output: toHex(outcome.output), transcript, bodies };
}
