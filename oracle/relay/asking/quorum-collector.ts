import { settlesLate } from "../../../protocol/answer.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import type { EnclaveSession } from "../../enclaves/enclave-session.ts";
import type { JobOutcome } from "../../engine/job-queue.ts";
import type { Logger } from "../../log.ts";
import { type AnswerRecord, recordAnswers } from "../../store/answers.ts";
import { type AnsweredKeyset, readAnsweredKeysets } from "../../store/quorums.ts";
import type { Store } from "../../store/store.ts";
import { platformTag } from "../quorum-set.ts";
import type { Assignment } from "./assignment.ts";
import type { EnclaveAsker, Question } from "./enclave-asker.ts";
import type { Member } from "./preflight.ts";
import { canSettleWith } from "./state-block.ts";

export interface QuorumCollectorOptions {
  readonly store: Store;
  readonly asker: Pick<EnclaveAsker, "ask">;
  readonly log: Logger;
  /** Milliseconds. */
  readonly now: () => number;
}

export interface QuorumCall {
  readonly question: Question;
  /** The enclaves that may be asked, first to last. */
  readonly members: readonly Member[];
  readonly assignment: Assignment;
  /** Milliseconds after which too few platforms are too few for good. */
  readonly patienceMs: number;
}

/** How long a quorum waits for platforms that are admitted and cannot be reached from here. */
const INCOMPLETE_SECONDS = 5;

/**
 * Collects answers for a request whose threshold is above one: each from another platform, one model call each. Every answer
 * is recorded as it comes, so that a crash pays for none twice. Nobody is asked unless enough can be: half a quorum settles
 * nothing, and nobody would repay its model calls.
 *
 * Exactly `threshold` platforms are asked and their answers sent as they are: whether they agree is the contract's to say. Only an
 * answer that a host can cause is replaced by another platform's, where there is one.
 */
export class QuorumCollector {
  readonly #options: QuorumCollectorOptions;

  constructor(options: QuorumCollectorOptions) {
    this.#options = options;
  }

  async collect(call: QuorumCall, signal: AbortSignal): Promise<JobOutcome<AnswerRecord>> {
    const { question, members, assignment } = call;
    const { open, request } = question;
    const answered = await readAnsweredKeysets(this.#options.store, open.chainId, open.requestId);
    const { given, free } = distinctMembers(members, answered, assignment);
    if (given + free.length < request.threshold) return this.#incomplete(call, given + free.length);
    return this.#ask(question, free, { missing: request.threshold - given, signal });
  }

  async #ask(
    question: Question,
    free: readonly Member[],
    { missing, signal }: { readonly missing: number; readonly signal: AbortSignal },
  ): Promise<JobOutcome<AnswerRecord>> {
    const waiting = [...free];
    const held: AnswerRecord[] = [];
    let last: AnswerRecord | undefined;
    let good = 0;
    while (good < missing && waiting.length > 0) {
      const round = waiting.splice(0, missing - good);
      const records = await Promise.all(round.map(({ session }) => this.#askOne(session, question, signal)));
      for (const record of records) {
        if (record?.kind === "refused") return { kind: "done", result: record };
        if (record?.kind === "answered") {
          if (settlesLate(record.answer.status)) {
            held.push(record);
          } else {
            good += 1;
            last = record;
          }
        }
      }
    }
    const filling = held.slice(0, missing - good);
    if (good + filling.length < missing) {
      // A held answer is not lost: the enclave returns the same bytes.
      return { kind: "later", seconds: INCOMPLETE_SECONDS };
    }
    await this.#record(filling);
    const result = filling.at(-1) ?? last;
    return result === undefined ? { kind: "later", seconds: INCOMPLETE_SECONDS } : { kind: "done", result };
  }

  async #askOne(
    session: EnclaveSession,
    question: Question,
    signal: AbortSignal,
  ): Promise<AnswerRecord | undefined> {
    const { asker, store, log } = this.#options;
    try {
      const record = await asker.ask(session, question, signal);
      if (record.kind !== "answered") return record;
      if (!(await canSettleWith(store, question.open, record.stateBlock))) {
        const { chainId, requestId } = question.open;
        log.warn("answer.of-another-block", { chainId, requestId, keysetId: session.keysetId });
        return undefined;
      }
      if (!settlesLate(record.answer.status)) await this.#record([record]);
      return record;
    } catch (error) {
      // One enclave that fails must not lose what the others say.
      if (!(error instanceof AdytonError)) throw error;
      const { chainId, requestId } = question.open;
      log.warn("quorum.member-failed", { chainId, requestId, keysetId: session.keysetId, error });
      return undefined;
    }
  }

  #incomplete({ question, assignment, patienceMs }: QuorumCall, reachable: number): JobOutcome<AnswerRecord> {
    const { log, now } = this.#options;
    const { open, request } = question;
    const { chainId, requestId } = open;
    const platforms = assignment.order.length;
    const fields = { chainId, requestId, threshold: request.threshold, reachable, platforms };
    if (platforms >= request.threshold || now() < open.releasedAt + patienceMs) {
      log.debug("quorum.incomplete", fields);
      return { kind: "later", seconds: INCOMPLETE_SECONDS };
    }
    log.warn("quorum.not-reached", fields);
    return {
      kind: "done",
      result: { kind: "refused", chainId, requestId, code: "QUORUM_NOT_REACHED", refusedAt: now() },
    };
  }

  async #record(records: readonly AnswerRecord[]): Promise<void> {
    if (records.length > 0)
      await this.#options.store.db.transaction().execute((trx) => recordAnswers(trx, records));
  }
}

/**
 * How many platforms have given an answer that counts, and one member of each platform that has given none, and of each vendor
 * where the policy wants that too. A key that answered for a block that is gone gives no other answer.
 */
function distinctMembers(
  members: readonly Member[],
  answered: readonly AnsweredKeyset[],
  assignment: Assignment,
): { readonly given: number; readonly free: readonly Member[] } {
  const counted = answered.filter(({ isBound }) => isBound);
  const platforms = new Set(
    counted.flatMap(({ keysetId }) => {
      const platform = assignment.platformOf.get(keysetId);
      return platform === undefined ? [] : [platformTag(platform)];
    }),
  );
  const given = platforms.size;
  const asked = new Set(answered.map(({ keysetId }) => keysetId));
  const vendors = new Set(
    members.filter(({ session }) => asked.has(session.keysetId)).map(({ membership }) => membership.vendor),
  );
  const free = members.filter(({ session, membership: { platform, vendor, distinctVendors } }) => {
    const tag = platformTag(platform);
    if (asked.has(session.keysetId) || platforms.has(tag) || (distinctVendors && vendors.has(vendor)))
      return false;
    platforms.add(tag);
    vendors.add(vendor);
    return true;
  });
  return { given, free };
}
