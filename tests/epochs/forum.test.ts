/**
 * A forum's posts, judged by enclaves of three vendors, settled by snapshots and by proofs, and read by a contract. Eight posts by default;
 * `ADYTON_POSTS=1000 npm run test:epochs` takes a quarter of an hour more.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recomputeBalances } from "../../bench/coprocessor/balances.ts";
import {
  deployProvenLedger,
  deployVerifier,
  nextProvenEpoch,
  postKey,
  provenArguments,
  signTransition,
  type ProvenStage,
} from "../../bench/coprocessor/proven-stage.ts";
import {
  admitNodes,
  admitThreeVendors,
  askMany,
  deployLedger,
  PRICE,
  settleNext,
  toRowProof,
} from "../../bench/coprocessor/stage.ts";
import { startChain, type Chain } from "../../bench/gas/chain.ts";
import { provenStateFrom } from "../../coprocessor/epochs/proven-state.ts";
import type { CircuitShape } from "../../coprocessor/prover/circuit.ts";
import { proveInput, writeVerifier, type ProvingKey } from "../../coprocessor/prover/prove.ts";
import * as p from "../../protocol/index.ts";
import { POSTS } from "./config.ts";
import { proverOptions, provingKey } from "./prover.ts";

const IS_LARGE = POSTS > 100;
const SHAPE: CircuitShape = { rule: "Register", rows: IS_LARGE ? 57 : 4, signatures: 3 };
/** Rows that one transaction takes. */
const MAX_SNAPSHOT_ROWS = 1_024;
const PAYLOAD = p.toHex(p.toUtf8("Is this post allowed? Buy now, only today!"));
const verdict = (index: number): p.Hex => p.keccakText(index % 3 === 0 ? "block" : "allow");

describe(`a forum of ${POSTS} posts, judged by three vendors`, () => {
  const options = proverOptions(IS_LARGE ? 20 : 16);
  let chain: Chain;
  let three: Awaited<ReturnType<typeof admitThreeVendors>>;
  let key: ProvingKey;
  let stage: ProvenStage;

  beforeAll(async () => {
    expect(POSTS).toBeLessThanOrEqual(MAX_SNAPSHOT_ROWS);
    chain = await startChain();
    three = await admitThreeVendors(chain, await admitNodes(chain));
    key = await provingKey(SHAPE, options);
    const verifier = await deployVerifier(chain, await writeVerifier(key, options));
    stage = await deployProvenLedger(chain, three, { shape: SHAPE, verifier });
  });
  afterAll(async () => {
    await chain.stop();
  });

  test("is settled by one snapshot that all three sign, and every fee is paid", async () => {
    const snapshots = await deployLedger(chain, three, 3);
    await askMany(snapshots, POSTS, PAYLOAD);
    await settleNext(snapshots);
    const { ledger } = snapshots.name;
    const registry = await chain.enclaves.getAddress();
    const expected = await recomputeBalances(chain.provider, { ledger, registry, price: PRICE });
    expect(expected.feesPaid).toBe(POSTS);
    expect(expected.held).toBe(0n);
    let total = 0n;
    for (const [account, balance] of expected.accounts) {
      expect(await snapshots.contract.balanceOf(account)).toBe(balance);
      total += balance;
    }
    expect(expected.payees.size).toBe(3);
    for (const [payee, owed] of expected.payees) {
      expect(await snapshots.contract.owedTo(payee)).toBe(owed);
      total += owed;
    }
    expect(await chain.provider.getBalance(ledger)).toBe(total);
  });

  test("is settled by proofs of rows that one enclave of each vendor signed, and read by anybody from logs", async () => {
    for (let start = 0; start < POSTS; start += SHAPE.rows) {
      const steps = [];
      for (let index = start; index < Math.min(POSTS, start + SHAPE.rows); index += 1) {
        const post = { key: await postKey(stage, index), value: verdict(index) };
        steps.push({ kind: "signed", transition: signTransition(stage, stage.state, post) } as const);
      }
      const built = await nextProvenEpoch(stage, steps);
      const proof = await proveInput(key, built.input, options);
      const { epoch, signers, witness, rows } = provenArguments(stage, built, proof);
      await chain.mine(stage.contract.settle(epoch, signers, witness, rows, proof));
    }
    const logs = await chain.provider.getLogs({ address: stage.name.ledger, fromBlock: 0 });
    const rebuilt = provenStateFrom(
      logs.map(({ topics, data }) => ({ topics: topics as readonly p.Hex[], data: data as p.Hex })),
    );
    expect(rebuilt.tree.root).toBe(await stage.contract.root());
    for (let index = 0; index < POSTS; index += 1) {
      const row = rebuilt.rows.read(await postKey(stage, index));
      expect(row?.value).toBe(verdict(index));
      if (row !== null) await stage.contract.check(row.bytes, toRowProof(row));
    }
  }, 3_600_000);

  test("takes no two signatures of one vendor for those of two", async () => {
    const transition = signTransition(stage, stage.state, {
      key: await postKey(stage, 0),
      value: verdict(1),
    });
    const [first, second] = transition.signatures;
    if (first === undefined || second === undefined) throw new Error("three sign");
    const signatures = [first, second, first];
    await expect(
      nextProvenEpoch(stage, [{ kind: "signed", transition: { ...transition, signatures } }]),
    ).rejects.toMatchObject({ code: "INPUT_UNAUTHORIZED" });
  });
});
