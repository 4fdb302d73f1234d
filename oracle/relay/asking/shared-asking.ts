import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import type { JobOutcome } from "../../engine/job-queue.ts";
import type { Logger } from "../../log.ts";
import { type AnswerRecord, recordAnswers } from "../../store/answers.ts";
import { readPeerLeaves } from "../../store/peer-leaves.ts";
import { readAnsweredKeysets, readQuorumSteps } from "../../store/quorums.ts";
import type { Store } from "../../store/store.ts";
import { MAX_MEMBERS, platformTag, readQuorumSet } from "../quorum-set.ts";
import { type Assignment, turnAt } from "./assignment.ts";
import type { EnclaveAsker } from "./enclave-asker.ts";
import type { QuorumCall } from "./quorum-collector.ts";
import { canSettleWith } from "./state-block.ts";

export interface SharedAskingOptions {
  readonly store: Store;
  readonly asker: Pick<EnclaveAsker, "ask">;
  /** Members beyond the threshold. */
  readonly spares: number;
  readonly onRecorded: (chainId: number) => void;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface SharedTurns {
  readonly chainId: number;
  readonly requestId: Hex;
  readonly threshold: number;
  readonly assignment: Assignment;
  readonly sessions: readonly Pick<EnclaveSession, "keysetId">[];
  /** Milliseconds: when the first may ask, when it is too late, and how long each has. */
  readonly from: number;
  readonly until: number;
  readonly window: number;
}

/** How long until this node looks again at a quorum that has what it can give. */
const LOOK_SECONDS = 3;

/**
 * Collects this node's part of a quorum whose members are of several operators. The first platforms of the request's order answer
 * at once, as many as are wanted; each further one when those before it had a turn's time and too few leaves came. A platform
 * that committed and never opened is passed over: the contract takes no leaf of it any more.
 */
export class SharedAsking {
  readonly #options: SharedAskingOptions;

  constructor(options: SharedAskingOptions) {
    this.#options = options;
  }

  /** Seconds until one of these enclaves may be asked; 0 when one may. */
  async untilTurn(turns: SharedTurns): Promise<number> {
    const now = this.#options.now();
    const waits = (await this.#turnsOf(turns)).map(({ at }) => Math.ceil((at - now) / 1_000));
    return waits.length === 0 ? LOOK_SECONDS : Math.max(0, Math.min(LOOK_SECONDS, ...waits));
  }

  /** Asks those of `members` whose turn it is. The job goes on until the request is settled. */
  async collect(
    call: QuorumCall,
    turns: SharedTurns,
    signal: AbortSignal,
  ): Promise<JobOutcome<AnswerRecord>> {
    const { now, onRecorded } = this.#options;
    const due = new Set(
      (await this.#turnsOf(turns)).flatMap(({ keysetId, at }) => (at <= now() ? [keysetId] : [])),
    );
    const asked = call.members.filter(({ session }) => due.has(session.keysetId));
    const records = await Promise.all(asked.map(({ session }) => this.#ask(session, call, signal)));
    const refusal = records.find((record) => record?.kind === "refused");
    if (refusal !== undefined) return { kind: "done", result: refusal };
    if (records.some((record) => record?.kind === "answered")) onRecorded(turns.chainId);
    return { kind: "later", seconds: LOOK_SECONDS };
  }

  /** Of this node's enclaves that may still give a leaf, one of each platform, each with its time in milliseconds. */
  async #turnsOf(turns: SharedTurns): Promise<readonly { readonly keysetId: Hex; readonly at: number }[]> {
    const { store, spares } = this.#options;
    const { chainId, requestId, threshold, assignment, sessions } = turns;
    const [steps, peers, answered] = await Promise.all([
      readQuorumSteps(store, chainId, [requestId]),
      readPeerLeaves(store, chainId, [requestId]),
      readAnsweredKeysets(store, chainId, requestId),
    ]);
    const set = readQuorumSet(steps.get(requestId) ?? []);
    const tagOf = (keysetId: Hex): string | undefined => {
      const platform = assignment.platformOf.get(keysetId);
      return platform === undefined ? undefined : platformTag(platform);
    };
    // What settles late is given when its time comes, and counts as missing until then.
    const own = answered.filter(({ isBound, isLate }) => isBound && !isLate);
    const given = [...own, ...(peers.get(requestId) ?? [])];
    const seated = new Set([...set.platforms, ...given.flatMap(({ keysetId }) => tagOf(keysetId) ?? [])]);
    for (const tag of set.barred) seated.delete(tag);
    const wanted = Math.min(MAX_MEMBERS, threshold + spares);
    const isEnough = seated.size >= threshold;
    const order = assignment.order.map(platformTag).filter((tag) => !set.barred.has(tag));
    const from = Math.max(turns.from, set.clearedAt * 1_000);
    const taken = new Set([...seated, ...set.barred]);
    const asked = new Set(answered.map(({ keysetId }) => keysetId));
    return sessions.flatMap(({ keysetId }) => {
      const tag = tagOf(keysetId);
      if (tag === undefined || taken.has(tag) || asked.has(keysetId)) return [];
      taken.add(tag);
      const place = Math.max(0, order.indexOf(tag) - (wanted - 1));
      if (place > 0 && isEnough) return [];
      return [{ keysetId, at: turnAt(assignment, place, { ...turns, from }) }];
    });
  }

  async #ask(
    session: EnclaveSession,
    { question }: QuorumCall,
    signal: AbortSignal,
  ): Promise<AnswerRecord | undefined> {
    const { asker, store, log } = this.#options;
    const { chainId, requestId } = question.open;
    const { keysetId } = session;
    try {
      const record = await asker.ask(session, question, signal);
      if (record.kind !== "answered") return record;
      if (!(await canSettleWith(store, question.open, record.stateBlock)))
        log.warn("answer.of-another-block", { chainId, requestId, keysetId });

      await store.db.transaction().execute((trx) => recordAnswers(trx, [record]));
      return record;
    } catch (error) {
      if (!(error instanceof AdytonError)) throw error;
      log.warn("quorum.member-failed", { chainId, requestId, keysetId, error });
      return undefined;
    }
  }
}
