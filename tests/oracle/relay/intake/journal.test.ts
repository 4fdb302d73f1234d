import { sql } from "kysely";
import { beforeEach, expect, test } from "vitest";
import type { BlockHeader, Log } from "../../../../oracle/chain/rpc/block.ts";
import type { ChainHead } from "../../../../oracle/chain/chain-source.ts";
import type { ChainEvent } from "../../../../oracle/chain/abi/events.ts";
import type { Engine } from "../../../../oracle/engine/engine.ts";
import { createLogger } from "../../../../oracle/log.ts";
import { type AnswerJob, Journal } from "../../../../oracle/relay/intake/journal.ts";
import { Parked } from "../../../../oracle/relay/intake/parked.ts";
import { readAdmittedKeysets } from "../../../../oracle/store/admissions.ts";
import { type AnswerRecord, recordAnswers } from "../../../../oracle/store/answers.ts";
import { requireLease, takeLease } from "../../../../oracle/store/lease.ts";
import { findRequest } from "../../../../oracle/store/index-queries.ts";
import { listRequests } from "../../../../oracle/store/list-requests.ts";
import { dueRefunds } from "../../../../oracle/store/settlements.ts";
import type { Store, StoreTransaction } from "../../../../oracle/store/store.ts";
import { insertTransactions } from "../../../../oracle/store/transactions/insert.ts";
import type { NewTransaction } from "../../../../oracle/store/transactions/transaction.ts";
import { releaseRequests } from "../../../../oracle/store/unserved.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { type Request, requestId as requestIdOf } from "../../../../protocol/request.ts";
import { aRequest, REQUESTED_AT, word, storeAnswer } from "../../support/requests.ts";
import { readPlans } from "../../support/query-plans.ts";
import { describeStores, useStore } from "../../support/stores.ts";

const LEASE = { name: "chain:1", holder: "this node" };
const CONFIRMATIONS = 2;
const PLATFORM = word(0xf1);
/** PostgreSQL takes 65,535 parameters in a statement. */
const MANY = 66_000;

describeStores("the journal of a chain", (create) => {
  let store: Store;
  let journal: Journal;
  let queued: Hex[];
  let now: number;
  /** Policies under which an enclave is admitted. */
  let live: Hex[];
  /** Policies of the node's configuration. */
  let configured: Hex[];
  let parked: Parked;
  /** Every test has a chain of its own in the one store. */
  let chainId = 0;

  useStore(create, (opened) => {
    store = opened;
  });

  beforeEach(async () => {
    chainId += 1;
    queued = [];
    now = 1_000;
    live = [aRequest().policyId];
    configured = [aRequest().policyId];
    await takeLease(store, LEASE.name, LEASE.holder, 600_000);
    const engine = {
      enqueue: (_trx, _queue, jobs) => {
        queued.push(...jobs.map(({ data }) => (data as AnswerJob).requestId));
        return Promise.resolve();
      },
    } as Pick<Engine, "enqueue"> as Engine;
    journal = new Journal({
      chainId,
      store,
      engine,
      log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
      decode: (log) => events.get(log),
      lease: {
        isHeld: () => true,
        require: (trx) => requireLease(trx, LEASE.name, LEASE.holder),
      },
      now: () => now,
      policies: { configured, live: () => live },
      onReleased: () => undefined,
      onSettled: () => undefined,
    });
    parked = new Parked({
      chainId,
      store,
      engine,
      policies: { configured, live: () => live },
      now: () => now,
      onReleased: () => undefined,
    });
  });

  const events = new Map<Log, ChainEvent>();

  function header(number: number, fork = 0): BlockHeader {
    return {
      number,
      hash: word(1_000 * (fork + 1) + number),
      parentHash: word(1_000 * (fork + 1) + number - 1),
      timestamp: REQUESTED_AT + number,
    };
  }

  /** Reads one block with these events, as the chain source does. */
  async function read(number: number, happened: readonly ChainEventBody[] = [], fork = 0): Promise<void> {
    const block = header(number, fork);
    const logs = happened.map((body, logIndex) => {
      const position = { blockNumber: number, blockHash: block.hash, txHash: block.hash, logIndex };
      const log = { ...position } as unknown as Log;
      events.set(log, { ...body, ...position } as ChainEvent);
      return log;
    });
    const head: ChainHead = { latest: block, settledNumber: number - CONFIRMATIONS };
    await journal.append({ headers: [block], logs, last: block }, head);
  }

  type ChainEventBody = Record<string, unknown>;
  let nonce = 100;
  const request = (change: Partial<Request> = {}): Request =>
    aRequest({ nonce: (nonce += 1), chainId: BigInt(chainId), ...change });
  const requested = (asked: Request): ChainEventBody => ({
    kind: "requested",
    requestId: requestIdOf(asked),
    request: asked,
    payload: "0x01",
    payloadUri: "",
  });
  const settled = (asked: Request): ChainEventBody => ({
    kind: "settled",
    requestId: requestIdOf(asked),
    how: "fulfilled",
    status: 1,
    keysetId: word(0xe9),
    answeredAt: REQUESTED_AT,
    outputHash: word(7),
    callbackSucceeded: true,
  });
  const admitted = (keysetId: Hex): ChainEventBody => ({
    kind: "admission",
    event: "admitted",
    keysetId,
    policyId: aRequest().policyId,
    expiresAt: REQUESTED_AT + 86_400,
    platform: PLATFORM,
    seat: keysetId,
  });

  const fulfillmentOf = (asked: Request): NewTransaction => ({
    ...{
      chainId,
      signer: asked.payer,
      nonce: 1,
      kind: "fulfill",
      to: asked.coordinator,
      data: "0x",
      raw: "0x",
    },
    ...{ gasLimit: 1, feeCap: 1n, maxFee: 1n, priorityFee: 1n, hash: requestIdOf(asked) },
    requestIds: [requestIdOf(asked)],
  });
  const refusalOf = (asked: Request): AnswerRecord => ({
    kind: "refused",
    chainId,
    requestId: requestIdOf(asked),
    code: "INPUT_INVALID",
    refusedAt: now,
  });

  async function phaseOf(asked: Request): Promise<string | undefined> {
    const row = await store.db
      .selectFrom("requests")
      .select("phase")
      .where("chain_id", "=", chainId)
      .where("request_id", "=", requestIdOf(asked))
      .executeTakeFirst();
    return row?.phase;
  }

  const rollbackTo = (number: number): Promise<void> =>
    journal.rollback({ number, hash: header(number).hash });

  test("queues a request's job when it has its confirmations, once", async () => {
    const asked = request();
    await read(1, [requested(asked)]);
    await read(2);
    expect([await phaseOf(asked), queued]).toEqual(["seen", []]);
    await read(3);
    await read(4);
    expect([await phaseOf(asked), queued]).toEqual(["asked", [requestIdOf(asked)]]);
  });

  test("queues no job for a request under a policy that is not this node's, and takes it up when it becomes one", async () => {
    const foreign = request({ policyId: word(0x77) });
    await read(1, [requested(foreign)]);
    await read(3);
    await read(4);
    expect([await phaseOf(foreign), queued]).toEqual(["seen", []]);
    expect(await dueRefunds(store, { chainId, time: 2 ** 40, limit: 10 })).toEqual([]);
    configured.push(word(0x77));
    live.push(word(0x77));
    await read(5);
    expect([await phaseOf(foreign), queued]).toEqual(["asked", [requestIdOf(foreign)]]);
  });

  test("parks a request while no enclave is admitted under its policy, and refunds it after its deadline", async () => {
    const asked = request();
    live = [];
    await read(1, [requested(asked)]);
    await read(3);
    expect([await phaseOf(asked), queued]).toEqual(["asked", []]);
    const refunds = await dueRefunds(store, { chainId, time: 2 ** 40, limit: 10 });
    expect(refunds.map(({ requestId }) => requestId)).toEqual([requestIdOf(asked)]);
  });

  test("gives parked requests their jobs once an enclave is admitted, and each of them once", async () => {
    const [asked, other] = [request(), request()];
    await read(1, [requested(asked), requested(other)]);
    await read(3);
    queued = [];
    await store.db
      .transaction()
      .execute((trx) => recordAnswers(trx, [{ kind: "unserved", chainId, requestId: requestIdOf(asked) }]));
    await parked.refresh();
    await parked.refresh();
    now += 2_000;
    await parked.refresh();
    expect(queued).toEqual([requestIdOf(asked)]);
  });

  test("leaves parked requests alone while nobody serves their policy", async () => {
    const asked = request();
    live = [];
    await read(1, [requested(asked)]);
    await read(3);
    await parked.refresh();
    expect(queued).toEqual([]);
  });

  test("passes over requests of other policies by an index, however many there are", async () => {
    await sql`
      insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
        request, payload, payload_uri, deadline, fee, policy_id, released, phase, seen_at)
      select ${chainId}::bigint, 'foreign' || n, 1, '0x', 0, '0x', n, '0x', '{}', '0x', '', 0, '0', ${word(0x77)}, false,
        'seen', 0
      from generate_series(1, 10000::int) n`.execute(store.db);
    await sql`vacuum analyze requests`.execute(store.db);
    const terms = { chainId, settledNumber: 9, configured, live, now };
    const [plan] = await readPlans(store, ({ db }) =>
      releaseRequests(db as unknown as StoreTransaction, terms),
    );
    expect(plan).toContain("requests_unreleased");
    expect(await releaseRequests(store.db as unknown as StoreTransaction, terms)).toEqual([]);
  });

  test("queues no job for a request that was settled before it had its confirmations", async () => {
    const asked = request();
    await read(1, [requested(asked)]);
    await read(2, [settled(asked)]);
    await read(3);
    await read(4);
    expect([await phaseOf(asked), queued]).toEqual(["settled", []]);
  });

  test("forgets what a reorg drops, and takes it up where it stands afterwards", async () => {
    const asked = request();
    await read(1);
    await read(2, [requested(asked), admitted(word(0xe1))]);
    await rollbackTo(1);
    expect(await phaseOf(asked)).toBeUndefined();
    await read(2, [], 1);
    await read(3, [requested(asked)], 1);
    await read(5, [], 1);
    expect([await phaseOf(asked), queued]).toEqual(["asked", [requestIdOf(asked)]]);
    const query = { chainId, policyId: asked.policyId, time: REQUESTED_AT };
    expect(await readAdmittedKeysets(store, query)).toEqual([]);
  });

  test("queues the job again when a reorg drops somebody else's settlement, with a turn of its own", async () => {
    const asked = request();
    await read(1, [requested(asked)]);
    await read(3);
    await read(4, [settled(asked)]);
    expect(await phaseOf(asked)).toBe("settled");
    now = 5_000;
    await rollbackTo(3);
    const id = requestIdOf(asked);
    expect([await phaseOf(asked), queued]).toEqual(["asked", [id, id]]);
    const row = await store.db
      .selectFrom("requests")
      .select("released_at")
      .where("chain_id", "=", chainId)
      .executeTakeFirst();
    expect(row?.released_at).toBe(5_000);
  });

  test("queues none when this node has the answer: it is sent again, and no model is paid twice", async () => {
    const asked = request();
    const id = requestIdOf(asked);
    await read(1, [requested(asked)]);
    await read(3);
    await storeAnswer(store, chainId, id);
    await read(4, [settled(asked)]);
    await rollbackTo(3);
    expect([await phaseOf(asked), queued]).toEqual(["answered", [id]]);
  });

  test("finds what it did for a request again, when a reorg drops the request and it is made anew", async () => {
    const [untouched, answered, sent, refused] = [request(), request(), request(), request()];
    const all = [untouched, answered, sent, refused];
    await read(1);
    await read(2, all.map(requested));
    await read(4);
    await storeAnswer(store, chainId, requestIdOf(answered));
    await storeAnswer(store, chainId, requestIdOf(sent));
    await store.db.transaction().execute(async (trx) => {
      await insertTransactions(trx, [fulfillmentOf(sent)], now);
      await recordAnswers(trx, [refusalOf(refused)]);
    });
    const phases = async (): Promise<unknown[]> => Promise.all(all.map(phaseOf));
    expect(await phases()).toEqual(["asked", "answered", "sent", "refused"]);
    await rollbackTo(1);
    expect(await phases()).toEqual(Array(4).fill(undefined));
    await read(2, [], 1);
    await read(3, all.map(requested), 1);
    expect(await phases()).toEqual(["seen", "answered", "sent", "refused"]);
    await read(5, [], 1);
    expect(await phases()).toEqual(["asked", "answered", "sent", "refused"]);
    // A refund of what is on its way would break the rule that one transaction settles a request, and the commit with it.
    const time = Number(sent.deadline) + 1;
    const refunds = await dueRefunds(store, { chainId, time, limit: 10 });
    expect(new Set(refunds.map(({ requestId }) => requestId))).toEqual(
      new Set([untouched, answered, refused].map(requestIdOf)),
    );
  });

  test("an answer is void when a reorg puts another block in the place of its own: the request is asked for anew", async () => {
    const [asked, other] = [request(), request()];
    await read(1);
    await read(2, [requested(asked), requested(other)]);
    await read(4);
    const id = requestIdOf(asked);
    // One is bound to its request's block, the other to the next.
    const bound = (number: number): { number: bigint; hash: Hex } => ({
      number: BigInt(number),
      hash: header(number).hash,
    });
    await storeAnswer(store, chainId, id, { stateBlock: bound(2) });
    await storeAnswer(store, chainId, requestIdOf(other), { stateBlock: bound(3) });
    expect([await phaseOf(asked), await phaseOf(other)]).toEqual(["answered", "answered"]);
    await rollbackTo(2);
    await read(3, [], 1);
    expect([await phaseOf(asked), await phaseOf(other)]).toEqual(["answered", "asked"]);
    expect(queued.slice(2)).toEqual([requestIdOf(other)]);
    await rollbackTo(1);
    await read(2, [requested(asked)], 2);
    await read(4, [], 2);
    expect(await phaseOf(asked)).toBe("asked");
    // And counts again where the chain comes back to it.
    await rollbackTo(1);
    await read(2, [requested(asked)]);
    expect(await phaseOf(asked)).toBe("answered");
  });

  test("what a commit did frees the request for the next step, and a reorg takes both back", async () => {
    const asked = request({ threshold: 2, aggregation: 1 });
    const id = requestIdOf(asked);
    await read(1, [requested(asked)]);
    await read(3);
    await storeAnswer(store, chainId, id, { keysetId: word(0xe1) });
    await storeAnswer(store, chainId, id, { keysetId: word(0xe2) });
    await store.db
      .transaction()
      .execute((trx) =>
        insertTransactions(
          trx,
          [{ ...fulfillmentOf(asked), kind: "commitQuorum", hash: header(4).hash }],
          now,
        ),
      );
    expect(await phaseOf(asked)).toBe("sent");
    const committed = {
      kind: "quorum",
      event: "committed",
      requestId: id,
      leaves: [word(5)],
      windowEndsAt: 9,
    };
    await read(4, [committed]);
    expect(await phaseOf(asked)).toBe("answered");
    const steps = async (): Promise<unknown> => (await findRequest(store, id))?.quorum;
    expect(await steps()).toMatchObject([{ event: "committed", leaves: [word(5)], windowEndsAt: 9 }]);
    await rollbackTo(3);
    expect(await steps()).toEqual([]);
  });

  test("a failed callback is listed until it is delivered again, and shown for good", async () => {
    const asked = request();
    const failed = async (): Promise<Hex[]> =>
      (await listRequests(store, { chainId, callback: "failed", limit: 10 })).map((row) => row.requestId);
    await read(1, [requested(asked)]);
    await read(3, [{ ...settled(asked), callbackSucceeded: false }]);
    expect(await failed()).toEqual([requestIdOf(asked)]);
    await read(4, [{ kind: "delivered", requestId: requestIdOf(asked) }]);
    expect(await failed()).toEqual([]);
    expect((await findRequest(store, requestIdOf(asked)))?.settlement).toMatchObject({
      ...{ callbackSucceeded: false, answeredAt: REQUESTED_AT, deliveredAgainTx: header(4).hash },
    });
    await rollbackTo(3);
    expect(await failed()).toEqual([requestIdOf(asked)]);
  });

  test("counts a keyset as admitted since its first admission, and no more once it is proven to equivocate", async () => {
    await read(1, [admitted(word(0xe1)), admitted(word(0xe2))]);
    await read(5, [admitted(word(0xe1))]);
    const query = { chainId, policyId: aRequest().policyId, time: REQUESTED_AT };
    expect(await readAdmittedKeysets(store, query)).toEqual([
      { keysetId: word(0xe1), platform: PLATFORM, since: 1, expiresAt: REQUESTED_AT + 86_400 },
      { keysetId: word(0xe2), platform: PLATFORM, since: 1, expiresAt: REQUESTED_AT + 86_400 },
    ]);
    expect(await readAdmittedKeysets(store, { ...query, time: REQUESTED_AT + 86_401 })).toEqual([]);
    const revoked = { event: "revoked", policyId: word(0), expiresAt: 0, platform: word(0) };
    await read(6, [{ ...admitted(word(0xe2)), ...revoked }]);
    expect(await readAdmittedKeysets(store, query)).toHaveLength(1);
  });

  test("reads more blocks at once than a statement has parameters", async () => {
    const headers = Array.from({ length: MANY }, (_, number) => header(number));
    const last = header(MANY - 1);
    await journal.append({ headers, logs: [], last }, { latest: last, settledNumber: MANY - CONFIRMATIONS });
    expect(await journal.storedBlocks(1)).toEqual([{ number: last.number, hash: last.hash }]);
  });

  test("queues more jobs again than a statement has parameters, when a reorg drops as many settlements", async () => {
    await sql`
      insert into requests (chain_id, request_id, block_number, block_hash, block_time, tx_hash, log_index, consumer,
        request, payload, payload_uri, deadline, fee, released, phase, seen_at)
      select ${chainId}::bigint, 'id' || n, 1, '0x', 0, '0x', n, '0x', '{}', '0x', '', 0, '0', true, 'settled', 0
      from generate_series(1, ${MANY}::int) n`.execute(store.db);
    await sql`
      insert into settlements (chain_id, request_id, kind, status, keyset_id, block_number, block_hash, tx_hash, log_index)
      select ${chainId}::bigint, 'id' || n, 'fulfilled', 1, '0x', 4, '0x', '0x', n
      from generate_series(1, ${MANY}::int) n`.execute(store.db);
    await rollbackTo(3);
    expect(new Set(queued).size).toBe(MANY);
  });

  test("writes nothing for a node whose lease is another's", async () => {
    await takeLease(store, LEASE.name, LEASE.holder, -1);
    await takeLease(store, LEASE.name, "another node", 600_000);
    await expect(read(1, [requested(request())])).rejects.toMatchObject({ code: "CHAIN_RPC_DISAGREEMENT" });
    expect(await journal.storedBlocks(10)).toEqual([]);
    await takeLease(store, LEASE.name, "another node", -1);
  });
});
