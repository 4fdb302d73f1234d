/** A ledger on a chain, end to end: three members of three machines, and what happens when somebody lies, forks or dies. */

import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  admitNodes,
  askMany,
  deployLedger,
  localKey,
  logsOf,
  nextEpoch,
  PRICE,
  settleArguments,
  settleNext,
  signEpoch,
  toRowProof,
  type LedgerStage,
} from "../../bench/coprocessor/stage.ts";
import { recomputeBalances } from "../../bench/coprocessor/balances.ts";
import { startChain, type Chain } from "../../bench/gas/chain.ts";
import { CHAIN_ID } from "../../bench/gas/constants.ts";
import { LedgerForum__factory, SnapshotLedger__factory } from "../../contracts/bindings/index.ts";
import { ledgerKey } from "../../coprocessor/ledger/entry.ts";
import { Ledger } from "../../coprocessor/ledger/ledger.ts";
import { snapshotDigest, snapshotEncoding } from "../../coprocessor/ledger/snapshot.ts";
import * as p from "../../protocol/index.ts";

const PAYLOAD = p.toHex(p.toUtf8("a question"));
const interfaceOf = SnapshotLedger__factory.createInterface();

let chain: Chain;
let admitted: Awaited<ReturnType<typeof admitNodes>>;
let account: p.Hex;

beforeAll(async () => {
  chain = await startChain();
  admitted = await admitNodes(chain);
  account = (await chain.owner.getAddress()).toLowerCase() as p.Hex;
}, 180_000);
afterAll(async () => {
  await chain.stop();
});

/** The name of the error that a call reverts with, by any contract's interface. */
async function refusalOf(call: () => Promise<unknown>, parse = interfaceOf): Promise<string> {
  try {
    await call();
  } catch (error) {
    const { data } = error as { readonly data?: string };
    return (
      parse.parseError(data ?? "0x")?.name ??
      chain.enclaves.interface.parseError(data ?? "0x")?.name ??
      "unknown"
    );
  }
  return "nothing refused";
}

const readLedger = async (stage: LedgerStage): Promise<Ledger> => Ledger.fromLogs(await logsOf(stage));
/** What the owner's nonces are does not survive a fork. */
const forgetNonces = (): void => {
  chain.owner.reset();
};

describe("a ledger of three members", () => {
  test("settles what was asked, and anybody rebuilds it from logs and reads it", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    await askMany(stage, 5, PAYLOAD);
    await settleNext(stage);
    await askMany(stage, 3, PAYLOAD);
    await settleNext(stage);
    const ledger = await readLedger(stage);
    expect(await stage.contract.root()).toBe(ledger.root);
    const row = ledger.read(ledgerKey(account, localKey(1)));
    expect(row).toMatchObject({ epoch: 1, seq: 2n, value: p.keccak(p.fromHex(PAYLOAD)) });
    if (row === null) throw new Error("no row");
    await stage.contract.check(row.bytes, toRowProof(row));
    const other = ledger.row(0, 0);
    expect(await refusalOf(() => stage.contract.check(other.bytes, toRowProof(row)))).toBe("RowNotSettled");
  });

  test("says so where they disagree, and the asker has its price back", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    await askMany(stage, 1, PAYLOAD);
    await settleNext(stage, { output: (_, member) => p.toHex(p.uintWord(member)) });
    const ledger = await readLedger(stage);
    const row = ledger.row(0, 0);
    expect(row.value).toBe(p.toHex(p.uintWord(p.AnswerStatus.disagreed)));
    const before = await stage.contract.balanceOf(account);
    await chain.mine(stage.contract.reclaim(account, localKey(0), row.bytes, toRowProof(row)));
    expect(await stage.contract.balanceOf(account)).toBe(before + PRICE);
  });

  test("pays every fee that follows from transactions and logs, and keeps no wei", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    await askMany(stage, 4, PAYLOAD);
    await settleNext(stage);
    await askMany(stage, 1, PAYLOAD);
    const registry = await chain.enclaves.getAddress();
    const expected = await recomputeBalances(chain.provider, {
      ledger: stage.name.ledger,
      registry,
      price: PRICE,
    });
    expect(expected.feesPaid).toBe(4);
    let total = expected.held;
    for (const [payee, owed] of expected.payees) {
      expect(await stage.contract.owedTo(payee)).toBe(owed);
      total += owed;
    }
    for (const [holder, balance] of expected.accounts) {
      expect(await stage.contract.balanceOf(holder)).toBe(balance);
      total += balance;
    }
    expect(await chain.provider.getBalance(stage.name.ledger)).toBe(total);
  });

  test("refuses a snapshot of a history that a reorg took back, and settles the new one", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    const before: unknown = await chain.provider.send("evm_snapshot", []);
    await askMany(stage, 2, PAYLOAD);
    const { call } = await nextEpoch(stage);
    const signed = signEpoch(stage, call);
    await chain.provider.send("evm_revert", [before]);
    forgetNonces();
    await askMany(stage, 2, p.toHex(p.toUtf8("another question")));
    const next = await nextEpoch(stage);
    const refused = await refusalOf(() => stage.contract.settle.staticCall(...settleArguments(call, signed)));
    expect(refused).toBe("CheckpointUnknown");
    await chain.mine(stage.contract.settle(...settleArguments(next.call, signEpoch(stage, next.call))));
    expect(await stage.contract.root()).toBe((await readLedger(stage)).root);
  });

  test("lets its rows be claimed without any operator, and false claims be refuted", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    for (let epoch = 0; epoch < 2; epoch += 1) {
      await askMany(stage, 1, PAYLOAD);
      await settleNext(stage, { output: () => p.toHex(p.uintWord(epoch)) });
    }
    await askMany(stage, 1, PAYLOAD);
    await chain.mine(stage.contract.checkpoint());
    await chain.later(stage.name.terms.exitWindowSeconds + 1);
    const ledger = await readLedger(stage);
    const key = ledgerKey(account, localKey(0));
    const old = ledger.read(key, 0);
    const newest = ledger.read(key);
    const opening = ledger.checkpointAt(ledger.settled);
    const closing = ledger.lastCheckpoint();
    if (old === null || newest === null || opening === null || closing === null)
      throw new Error("not settled");
    await chain.mine(stage.contract.claim(old.bytes, toRowProof(old)));
    await chain.mine(stage.contract.refute(newest.bytes, toRowProof(newest)));
    await chain.later(stage.name.terms.refuteWindowSeconds + 1);
    expect(await stage.contract.claimed(key)).toEqual([2n, p.toHex(p.uintWord(1))]);

    const before = await stage.contract.balanceOf(account);
    const entries = ledger
      .waiting(closing.position)
      .map(({ localKey: own, payloadHash }) => ({ account, localKey: own, payloadHash }));
    await chain.mine(stage.contract.abandon(opening, closing.checkpoint, entries));
    expect(await stage.contract.balanceOf(account)).toBe(before + PRICE);
    expect((await readLedger(stage)).waiting()).toEqual([]);
  });

  test("is read by a contract that asked it, and by a script", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    const forum = await new LedgerForum__factory(chain.owner).deploy(stage.name.ledger, "openai/gpt-5.1");
    await forum.waitForDeployment();
    const forumAt = (await forum.getAddress()).toLowerCase() as p.Hex;
    await chain.mine(forum.fund({ value: 10n * PRICE }));
    await chain.mine(forum.publish("hello"));
    await chain.mine(forum.publish("I know where you live"));
    await settleNext(stage, { output: ({ position }) => p.toHex(p.uintWord(position === 1n ? 0 : 9)) });
    const ledger = await readLedger(stage);
    for (const post of [1n, 2n]) {
      const row = ledger.read(ledgerKey(forumAt, p.toHex(p.uintWord(post))));
      if (row === null) throw new Error("not settled");
      await chain.mine(forum.judge(post, row.bytes, toRowProof(row)));
    }
    expect([await forum.verdictOf(1), await forum.verdictOf(2)]).toEqual([1n, 2n]);

    const script = new URL("../../examples/read-ledger.ts", import.meta.url).pathname;
    const args = [script, chain.url, stage.name.ledger, forumAt, p.toHex(p.uintWord(2))];
    const told = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Record<
      string,
      unknown
    >;
    expect(told).toMatchObject({ root: ledger.root, seq: "1", value: p.toHex(p.uintWord(9)) });
  });

  // Last: it ends a key that the tests before need.
  test("ends a member that signed two snapshots of one epoch", async () => {
    const stage = await deployLedger(chain, admitted, 3);
    await askMany(stage, 1, PAYLOAD);
    const { call } = await nextEpoch(stage);
    const honest = signEpoch(stage, call);
    const [node] = stage.nodes;
    if (node === undefined) throw new Error("no node");
    const statements = [
      honest.judged.statement,
      { ...honest.judged.statement, rowsRoot: p.keccakText("other rows") },
    ];
    const [first, second] = statements.map((statement) => ({
      encoding: snapshotEncoding(call.ledger, statement),
      signature: p.signDigest(snapshotDigest(call.ledger, statement), node.privateKey),
      batchRoot: p.keccakText(""),
      batchCount: 0,
      proof: [],
    }));
    if (first === undefined || second === undefined) throw new Error("two statements");
    const domain = p.domainSeparator(p.onChainDomain(CHAIN_ID, stage.name.ledger));
    const policies = [admitted.policyId];
    await chain.mine(chain.enclaves.proveEquivocation(node.keyset, domain, first, second, policies));
    const refused = await refusalOf(() => stage.contract.settle.staticCall(...settleArguments(call, honest)));
    expect(refused).toBe("SignerNotAdmitted");
  });
});
