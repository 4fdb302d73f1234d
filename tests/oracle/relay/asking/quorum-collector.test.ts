import { beforeEach, expect, test } from "vitest";
import type { EnclaveSession } from "../../../../oracle/enclaves/enclave-session.ts";
import type { JobOutcome } from "../../../../oracle/engine/job-queue.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { assign } from "../../../../oracle/relay/asking/assignment.ts";
import type { Member } from "../../../../oracle/relay/asking/preflight.ts";
import { QuorumCollector } from "../../../../oracle/relay/asking/quorum-collector.ts";
import { nextStep } from "../../../../oracle/relay/plans/quorum-step.ts";
import { stateBlockOf } from "../../../../oracle/relay/asking/state-block.ts";
import { type AnswerRecord, readOpenRequests, recordAnswers } from "../../../../oracle/store/answers.ts";
import { dueQuorums } from "../../../../oracle/store/quorums.ts";
import type { Store } from "../../../../oracle/store/store.ts";
import { AnswerStatus } from "../../../../protocol/answer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { UpstreamError } from "../../../../protocol/errors.ts";
import { type Request, requestId as requestIdOf } from "../../../../protocol/request.ts";
import {
  aRequest,
  CHAIN_ID,
  REQUEST_BLOCK,
  REQUEST_BLOCK_HASH,
  REQUESTED_AT,
  storeRequest,
  word,
} from "../../support/requests.ts";
import { describeStores, useStore } from "../../support/stores.ts";

const log = createLogger({ level: "error", write: () => undefined, now: () => 0 });
const PATIENCE_MS = 30_000;

/** Told apart by its first bytes, as a hash is: the registry keeps no more of it. */
const platformId = (id: number): Hex => `0x${(1_000 + id).toString(16).padStart(22, "0").padEnd(64, "0")}`;

/** What an enclave does when it is asked: signs a status, refuses for good, or cannot be reached. */
type Behaviour = number | "refuses" | "is down" | "answers for a block that is gone";

describeStores("a quorum", (create) => {
  let store: Store;
  let calls: number[];
  let nonce = 0;
  let now: number;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(() => {
    calls = [];
    now = (REQUESTED_AT + 1) * 1_000;
  });

  const member = (id: number, platform = id, vendor = 1, distinctVendors = false): Member => ({
    session: { keysetId: word(id) } as EnclaveSession,
    membership: { platform: platformId(platform), vendor, distinctVendors },
  });

  async function open(threshold: number): Promise<Request> {
    nonce += 1;
    const request = aRequest({ nonce, threshold, aggregation: 1 });
    await storeRequest(store, request);
    return request;
  }

  /** As the answerer and the job queue do: collects, and records what comes out. */
  async function collect(
    request: Request,
    members: readonly Member[],
    behave: (id: number) => Behaviour,
    platforms = members,
  ): Promise<JobOutcome<AnswerRecord>> {
    const [stored] = await readOpenRequests(store, [{ chainId: CHAIN_ID, requestId: requestIdOf(request) }]);
    if (stored === undefined) throw new Error("the request is not open");
    const collector = new QuorumCollector({
      store,
      log,
      now: () => now,
      asker: {
        ask: (session) => {
          const id = Number(session.keysetId);
          calls.push(id);
          return answer(request, session.keysetId, behave(id));
        },
      },
    });
    const assignment = assign(
      stored.requestId,
      stored.blockNumber,
      platforms.map(({ session, membership }) => ({
        keysetId: session.keysetId,
        platform: membership.platform,
        since: 1,
      })),
    );
    const question = {
      open: stored,
      request,
      stateBlock: stateBlockOf(stored),
      fallbackWindowSeconds: 120,
    };
    const outcome = await collector.collect(
      { question, members, assignment, patienceMs: PATIENCE_MS },
      new AbortController().signal,
    );
    if (outcome.kind === "done")
      await store.db.transaction().execute((trx) => recordAnswers(trx, [outcome.result]));
    return outcome;
  }

  function answer(request: Request, keysetId: Hex, behaviour: Behaviour): Promise<AnswerRecord> {
    const requestId = requestIdOf(request);
    if (behaviour === "is down")
      return Promise.reject(new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "as the test wants" }));
    if (behaviour === "refuses") {
      const code = "INPUT_INVALID";
      return Promise.resolve({ kind: "refused", chainId: CHAIN_ID, requestId, code, refusedAt: now });
    }
    const isGone = behaviour === "answers for a block that is gone";
    const status = isGone ? AnswerStatus.ok : behaviour;
    const stateBlock = { number: BigInt(REQUEST_BLOCK), hash: isGone ? word(0xbad) : REQUEST_BLOCK_HASH };
    return Promise.resolve({
      kind: "answered",
      chainId: CHAIN_ID,
      requestId,
      keysetId,
      answer: {
        requestId,
        status,
        outputHash: word(7),
        transcriptRoot: word(8),
        stateBlockHash: stateBlock.hash,
        keysetId,
        answeredAt: BigInt(REQUESTED_AT),
      },
      signature: `0x${"11".repeat(65)}`,
      output: "0x",
      stateBlock,
      leafSignature: `0x${"12".repeat(65)}`,
      notBefore: status === AnswerStatus.upstreamFailed ? REQUESTED_AT + 121 : 0,
      receipt: { own: "{}", attestation: "{}" },
      recordedAt: now,
    });
  }

  async function sent(request: Request, time = REQUESTED_AT + 60): Promise<string[] | undefined> {
    const due = await dueQuorums(store, {
      ...{ chainId: CHAIN_ID, time, baseFee: 0n, limit: 100, isShared: false },
    });
    const found = due.find(({ requestId }) => requestId === requestIdOf(request));
    if (found === undefined) return undefined;
    const step = nextStep(found, { threshold: request.threshold, windowSeconds: 0, time });
    return "members" in step ? step.members.map(({ keysetId }) => keysetId) : undefined;
  }

  test("asks exactly as many platforms as the request wants, once each", async () => {
    const request = await open(2);
    await collect(request, [member(1), member(2), member(3)], () => AnswerStatus.ok);
    expect(calls).toEqual([1, 2]);
    expect(await sent(request)).toEqual([word(1), word(2)]);
  });

  test("asks another in place of one that answers for a block that is gone", async () => {
    const request = await open(2);
    await collect(request, [member(1), member(2), member(3)], (id) =>
      id === 1 ? "answers for a block that is gone" : AnswerStatus.ok,
    );
    expect(calls).toEqual([1, 2, 3]);
    expect(await sent(request)).toEqual([word(2), word(3)]);
  });

  test("counts a platform once, however many keysets it has", async () => {
    const request = await open(2);
    const members = [member(1, 1), member(2, 1), member(3, 3)];
    await collect(request, members, () => AnswerStatus.ok);
    expect(calls).toEqual([1, 3]);
  });

  test("counts a vendor once where the policy wants distinct ones", async () => {
    const request = await open(2);
    const members = [member(1, 1, 1, true), member(2, 2, 1, true), member(3, 3, 2, true)];
    await collect(request, members, () => AnswerStatus.ok);
    expect(calls).toEqual([1, 3]);
  });

  test("that is incomplete keeps what it has: after a crash or an outage only the missing answer is asked for", async () => {
    const request = await open(3);
    const members = [member(1), member(2), member(3)];
    expect(await collect(request, members, (id) => (id === 2 ? "is down" : AnswerStatus.ok))).toMatchObject({
      kind: "later",
    });
    expect(await sent(request)).toBeUndefined();
    calls = [];
    expect(await collect(request, members, () => AnswerStatus.ok)).toMatchObject({ kind: "done" });
    expect(calls).toEqual([2]);
    expect(await sent(request)).toHaveLength(3);
  });

  test("asks another platform in place of one that cannot be reached, and of one whose host may have cut its line", async () => {
    for (const failure of ["is down", AnswerStatus.upstreamFailed] as const) {
      const request = await open(2);
      calls = [];
      await collect(request, [member(1), member(2), member(3)], (id) =>
        id === 1 ? failure : AnswerStatus.ok,
      );
      expect(calls).toEqual([1, 2, 3]);
      expect(await sent(request)).toEqual([word(2), word(3)]);
    }
  });

  test("that only host-causable answers could complete waits for the fallback window", async () => {
    const request = await open(2);
    const members = [member(1), member(2)];
    await collect(request, members, (id) => (id === 1 ? AnswerStatus.upstreamFailed : AnswerStatus.ok));
    expect(await sent(request, REQUESTED_AT + 120)).toBeUndefined();
    expect(await sent(request, REQUESTED_AT + 121)).toHaveLength(2);
  });

  test("that cannot be complete asks nobody: half of it would be paid for and settle nothing", async () => {
    const request = await open(3);
    const reachable = [member(1), member(2)];
    const admitted = [...reachable, member(3)];
    now += 10 * PATIENCE_MS;
    // The third platform is admitted, and somebody else's: this node waits.
    expect(await collect(request, reachable, () => AnswerStatus.ok, admitted)).toMatchObject({
      kind: "later",
    });
    expect(calls).toEqual([]);
  });

  test("with too few platforms admitted waits a while for another, then ends in a refund", async () => {
    const request = await open(3);
    const members = [member(1), member(2)];
    expect(await collect(request, members, () => AnswerStatus.ok)).toMatchObject({ kind: "later" });
    now += PATIENCE_MS;
    expect(await collect(request, members, () => AnswerStatus.ok)).toMatchObject({
      kind: "done",
      result: { kind: "refused", code: "QUORUM_NOT_REACHED" },
    });
    expect(calls).toEqual([]);
  });

  test("ends in a refund when one enclave refuses the request for good", async () => {
    const request = await open(2);
    expect(
      await collect(request, [member(1), member(2)], (id) => (id === 2 ? "refuses" : AnswerStatus.ok)),
    ).toMatchObject({ kind: "done", result: { kind: "refused", code: "INPUT_INVALID" } });
    expect(await sent(request)).toBeUndefined();
  });
});
