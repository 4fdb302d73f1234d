import { randomBytes } from "node:crypto";
import { toHex } from "../../protocol/bytes.ts";
import { AdytonError, EndorsementError, EvidenceError } from "../../protocol/errors.ts";
import { Wakeable } from "../engine/wakeable.ts";
import type { Logger } from "../log.ts";
import type { EnclaveSession } from "./enclave-session.ts";
import { type EnclaveSet, isSessionFailure } from "./enclave-set.ts";
import type { EvidenceVerifier } from "../../client/evidence-verifier.ts";

export interface EvidenceReviewOptions {
  readonly enclaves: Pick<EnclaveSet, "sessions" | "drop">;
  readonly verifier: Pick<EvidenceVerifier, "verifyAttestation">;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
  /** Milliseconds between two reviews of an enclave. */
  readonly periodMs: number;
}

interface Review {
  /** Milliseconds: when the evidence was last accepted. */
  acceptedAt: number;
  nextAt: number;
}

/** How often it is looked which enclave's turn it is. */
const LONGEST_IDLE_MS = 10_000;
/** An enclave that could not be judged is tried again sooner. */
const RETRY_MS = 60_000;
/** A vendor that is down for longer must not keep a revoked platform in service: CRLs and TCB info are made to be read daily. */
const MAX_UNJUDGED_MS = 86_400_000;

/**
 * Verifies each enclave anew from time to time, with fresh evidence and the vendors' present endorsements: a platform may be
 * revoked, and its TCB found wanting, while its enclave runs. One that no longer holds is dropped, and comes back by the
 * ordinary way or not at all.
 */
export class EvidenceReview {
  readonly #options: EvidenceReviewOptions;
  readonly #reviews = new WeakMap<EnclaveSession, Review>();
  readonly #loop: Wakeable;

  constructor(options: EvidenceReviewOptions) {
    this.#options = options;
    this.#loop = new Wakeable(Math.min(options.periodMs, LONGEST_IDLE_MS), async () => {
      await this.reviewDue();
      return false;
    });
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Milliseconds: when the session's evidence was last accepted. */
  acceptedAt(session: EnclaveSession): number {
    return this.#reviewOf(session).acceptedAt;
  }

  /** Reviews every session whose time has come. */
  async reviewDue(): Promise<void> {
    const { enclaves, now } = this.#options;
    await Promise.all(
      enclaves.sessions.map(async (session) => {
        const review = this.#reviewOf(session);
        if (review.nextAt <= now()) await this.#review(session, review);
      }),
    );
  }

  #reviewOf(session: EnclaveSession): Review {
    const { now, periodMs } = this.#options;
    const known = this.#reviews.get(session);
    if (known !== undefined) return known;
    // It was verified to become a session.
    const fresh = { acceptedAt: now(), nextAt: now() + periodMs };
    this.#reviews.set(session, fresh);
    return fresh;
  }

  async #review(session: EnclaveSession, review: Review): Promise<void> {
    const { enclaves, log, now, periodMs } = this.#options;
    try {
      await this.#verify(session);
      review.acceptedAt = now();
      review.nextAt = now() + periodMs;
      log.debug("enclave.reviewed", { keysetId: session.keysetId });
    } catch (error) {
      if (!(error instanceof AdytonError))
        log.error("enclave.review-broken", { keysetId: session.keysetId, error });
      const unjudgedMs = now() - review.acceptedAt;
      if (!isUndecided(error) || unjudgedMs > MAX_UNJUDGED_MS) {
        enclaves.drop(session, error);
        return;
      }
      review.nextAt = now() + Math.min(RETRY_MS, periodMs);
      log.warn("enclave.review-postponed", { keysetId: session.keysetId, unjudgedMs, error });
    }
  }

  async #verify({ client, keysetId }: EnclaveSession): Promise<void> {
    const nonce = toHex(randomBytes(32));
    const shown = await this.#options.verifier.verifyAttestation(await client.attestation(nonce), nonce);
    if (shown.keysetId !== keysetId) {
      throw new EvidenceError({
        code: "EVIDENCE_BINDING_MISMATCH",
        message: "the enclave shows evidence for another keyset than before",
      });
    }
  }
}

/** Whether a failure says that it cannot be judged now, rather than that the evidence does not hold or the enclave is gone. */
function isUndecided(error: unknown): boolean {
  if (error instanceof EndorsementError) return error.retryable;
  return error instanceof AdytonError && error.retryable && !isSessionFailure(error);
}
