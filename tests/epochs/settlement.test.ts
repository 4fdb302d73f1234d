/** An epoch is proven and settled on a local chain, and everybody who could interfere tries to. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { admitNodes } from "../../bench/coprocessor/stage.ts";
import {
  compileVerifier,
  deployProvenLedger,
  deployVerifier,
  EXIT_WINDOW,
  INBOX_PRICE,
  INBOX_WINDOW,
  localPost,
  nextProvenEpoch,
  postKey,
  provenArguments,
  provenSigners,
  signTransition,
  type ProvenArguments,
  type ProvenStage,
} from "../../bench/coprocessor/proven-stage.ts";
import { startChain, type Chain } from "../../bench/gas/chain.ts";
import type { BuiltEpoch, Step } from "../../coprocessor/epochs/build-epoch.ts";
import { witnessDigest } from "../../coprocessor/epochs/epoch-statement.ts";
import { provenStateFrom } from "../../coprocessor/epochs/proven-state.ts";
import { transitionKeyDigest, type SignedTransition } from "../../coprocessor/epochs/transition.ts";
import { FIELD_ORDER } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { RowKind, type Row } from "../../coprocessor/ledger/row.ts";
import type { CircuitShape } from "../../coprocessor/prover/circuit.ts";
import { proveInput, writeVerifier, type ProvingKey } from "../../coprocessor/prover/prove.ts";
import * as p from "../../protocol/index.ts";
import { prove } from "../../cli/epoch/prove.ts";
import { readCircuitHashes } from "../../tools/circuit-hashes.ts";
import { CIRCUITS, proverOptions, provingKey } from "./prover.ts";

const SHAPE: CircuitShape = { rule: "Budget", rows: 2, signatures: 2 };
const budget = (cap: bigint, spent: bigint): p.Hex => p.toHex(p.uintWord(cap * 2n ** 128n + spent));

/** As an enclave's host would serve it. */
function transitionsFile(stage: ProvenStage, transition: SignedTransition): string {
  const { signers } = provenSigners(stage);
  const { key, seq, value, oldLeaf, link, signatures } = transition;
  const word = (element: bigint): p.Hex => p.toHex(p.uintWord(element));
  const signed = signatures.map(({ signer, signature }) => ({
    x: word(signer.x),
    y: word(signer.y),
    s: word(signature.s),
    e: word(signature.e),
  }));
  return JSON.stringify({
    signers: signers.map((signer) => ({ ...signer, x: word(signer.x), y: word(signer.y) })),
    transitions: [{ key, seq: seq.toString(), value, oldLeaf: word(oldLeaf), link, signatures: signed }],
  });
}

describe("a proven epoch", () => {
  const options = proverOptions(16);
  let chain: Chain;
  let key: ProvingKey;
  let source: string;
  let verifier: string;
  let admitted: Awaited<ReturnType<typeof admitNodes>>;
  let stage: ProvenStage;
  let post: p.Hex;
  /** Proven on top of a queued budget, not settled. */
  let built: BuiltEpoch;
  let proof: p.Hex;

  const settle = async (settled: ProvenArguments, { contract } = stage): Promise<void> => {
    await chain.mine(
      contract.settle(settled.epoch, settled.signers, settled.witness, settled.rows, settled.proof),
    );
  };
  /** What `settle` refuses with: the name of the error. */
  const refusal = async (tried: ProvenArguments, on: ProvenStage = stage): Promise<string> => {
    const { epoch, signers, witness, rows, proof: given } = tried;
    try {
      await on.contract.settle.staticCall(epoch, signers, witness, rows, given);
      return "settled";
    } catch (error) {
      const data = (error as { data?: unknown }).data;
      const parsed = typeof data === "string" ? on.contract.interface.parseError(data) : null;
      return parsed?.name ?? String(error);
    }
  };
  const proveSteps = async (steps: readonly Step[]): Promise<{ built: BuiltEpoch; proof: p.Hex }> => {
    const next = await nextProvenEpoch(stage, steps);
    return { built: next, proof: await proveInput(key, next.input, options) };
  };
  /** The same proof for other rows or another payee, signed by everybody: what a thief of every key has. */
  const withStolenKeys = (
    change: Partial<BuiltEpoch["statement"]>,
    on: ProvenStage = stage,
  ): ProvenArguments => {
    const statement = { ...built.statement, ...change };
    return { ...provenArguments(on, { ...built, statement }, proof), proof };
  };
  const changeRow = (change: Partial<Row>): readonly Row[] =>
    built.statement.rows.map((row, index) => (index === 0 ? { ...row, ...change } : row));

  beforeAll(async () => {
    key = await provingKey(SHAPE, options);
    source = await writeVerifier(key, options);
    chain = await startChain();
    admitted = await admitNodes(chain);
    verifier = await deployVerifier(chain, source);
    stage = await deployProvenLedger(chain, admitted, { shape: SHAPE, verifier });
    post = await postKey(stage, 0);
    await chain.mine(stage.contract.enqueue(localPost(0), budget(100n, 0n), { value: INBOX_PRICE }));
    const first = await proveSteps([{ kind: "inbox", key: post, value: budget(100n, 0n) }]);
    await settle(provenArguments(stage, first.built, first.proof));
    const transition = signTransition(stage, stage.state, { key: post, value: budget(100n, 40n) });
    ({ built, proof } = await proveSteps([
      { kind: "signed", transition },
      { kind: "read", key: await postKey(stage, 1) },
    ]));
  });
  afterAll(async () => {
    await chain.stop();
  });

  test("is proven with the key whose hash is committed", () => {
    expect(key.hash).toBe(readCircuitHashes()["budget-2-2"]?.developmentKey);
  });

  describe("before it is settled", () => {
    test("is not settled for another payee", async () => {
      const other = withStolenKeys({});
      expect(await refusal({ ...other, epoch: { ...other.epoch, payee: `0x${"66".repeat(20)}` } })).toBe(
        "NotProven",
      );
    });

    test.for([
      ["another value", { value: budget(100n, 41n) }],
      ["another seq", { seq: 9n }],
      ["another key", { key: p.keccakText("another") }],
      ["another kind", { kind: RowKind.read }],
    ] as const)("is not settled with %s, though every key is stolen", async ([, change]) => {
      expect(await refusal(withStolenKeys({ rows: changeRow(change) }))).toBe("NotProven");
    });

    test("is not settled in another order, nor with rows left out or added", async () => {
      const { rows } = built.statement;
      expect(await refusal(withStolenKeys({ rows: rows.toReversed() }))).toBe("NotProven");
      expect(await refusal(withStolenKeys({ rows: rows.slice(0, 1) }))).toBe("NotProven");
      expect(await refusal(withStolenKeys({ rows: rows.slice(1) }))).toBe("NotProven");
      const many = withStolenKeys({ rows: [...rows, ...rows] });
      expect(await refusal(many)).toBe("RowsInvalid");
    });

    test("is not settled to another root, nor to one beyond the field", async () => {
      expect(await refusal(withStolenKeys({ newRoot: built.statement.newRoot ^ 1n }))).toBe("NotProven");
      const beyond = withStolenKeys({ newRoot: built.statement.newRoot + FIELD_ORDER });
      expect(await refusal(beyond)).toBe("NotCanonical");
    });

    test("is not settled with another commitment", async () => {
      const other = withStolenKeys({});
      expect(await refusal({ ...other, epoch: { ...other.epoch, commitment: 5n } })).toBe("NotProven");
      const beyond = { ...other.epoch, commitment: other.epoch.commitment + FIELD_ORDER };
      expect(await refusal({ ...other, epoch: beyond })).toBe("NotCanonical");
    });

    test("is not settled with signers of another list", async () => {
      const honest = withStolenKeys({});
      expect(await refusal({ ...honest, signers: honest.signers.slice(0, 2) })).toBe("NotProven");
      expect(await refusal({ ...honest, signers: honest.signers.toReversed() })).toBe("NotProven");
    });

    test("is not settled by a proof alone", async () => {
      const honest = withStolenKeys({});
      const [first] = honest.signers;
      const unsigned = { ...honest.witness, signature: first?.signature ?? "0x" };
      expect(await refusal({ ...honest, witness: unsigned })).toBe("WitnessInvalid");
    });

    test("is not settled on another ledger with the same verifier", async () => {
      const other = await deployProvenLedger(chain, admitted, { shape: SHAPE, verifier });
      const statement = { ...built.statement, name: other.name, oldRoot: other.state.root, epoch: 0n };
      const digest = witnessDigest(statement);
      const tried = provenArguments(other, { ...built, statement }, proof);
      const [member] = other.members;
      if (member === undefined) throw new Error("no member");
      const signature = p.signDigest(digest, member.node.privateKey);
      expect(await refusal({ ...tried, witness: { ...tried.witness, signature } }, other)).toBe("NotProven");
    });

    test("is not settled with a proof of other bytes", async () => {
      const flipped = p.fromHex(proof);
      flipped[flipped.length - 40] = (flipped[flipped.length - 40] ?? 0) ^ 1;
      expect(await refusal({ ...withStolenKeys({}), proof: p.toHex(flipped) })).toBe("NotProven");
      expect(await refusal({ ...withStolenKeys({}), proof: "0x" })).toBe("NotProven");
    });

    test("waits while a row was queued too long ago", async () => {
      const snapshot = (await chain.provider.send("evm_snapshot", [])) as string;
      await chain.mine(stage.contract.enqueue(localPost(5), budget(1n, 0n), { value: INBOX_PRICE }));
      await chain.later(INBOX_WINDOW + 1);
      expect(await refusal(withStolenKeys({}))).toBe("InboxOrder");
      expect(await stage.contract.isExit()).toBe(false);
      await chain.later(EXIT_WINDOW);
      expect(await stage.contract.isExit()).toBe(true);
      await chain.provider.send("evm_revert", [snapshot]);
      // Its transactions are gone, and their nonces free again.
      chain.owner.reset();
    });
  });

  test("is settled once", async () => {
    const honest = withStolenKeys({});
    await settle(honest);
    expect(await stage.contract.root()).toBe(built.statement.newRoot);
    expect(await refusal(honest)).toBe("RootStale");
    expect(await stage.contract.owedTo(built.statement.payee)).toBe(INBOX_PRICE);
  });

  test("leaves a state that anybody has from the logs, and goes on from", async () => {
    const logs = await chain.provider.getLogs({ address: stage.name.ledger, fromBlock: 0 });
    const rebuilt = provenStateFrom(
      logs.map(({ topics, data }) => ({ topics: topics as readonly p.Hex[], data: data as p.Hex })),
    );
    expect(rebuilt.tree.root).toBe(await stage.contract.root());
    expect(rebuilt.tree.get(post)).toMatchObject({ seq: 2n, value: budget(100n, 40n) });
    expect(rebuilt.inbox).toEqual([]);
    const steps = [{ kind: "read", key: post }] as const;
    const next = await nextProvenEpoch(stage, steps, { state: rebuilt.tree });
    const [row] = next.statement.rows;
    expect(row).toMatchObject({ kind: RowKind.read, seq: 2n, value: budget(100n, 40n) });
    await settle(provenArguments(stage, next, await proveInput(key, next.input, options)));
  });

  test("is proven by `adyton epoch prove`, by who has nothing but logs and transitions", async () => {
    await chain.mine(stage.contract.enqueue(localPost(7), budget(5n, 0n), { value: INBOX_PRICE }));
    const folder = mkdtempSync(join(tmpdir(), "adyton-epoch-"));
    try {
      const transition = signTransition(stage, stage.state, { key: post, value: budget(100n, 60n) });
      writeFileSync(join(folder, "transitions.json"), transitionsFile(stage, transition));
      const out = join(folder, "epoch.json");
      await prove({
        rpc: chain.url,
        ledger: stage.name.ledger,
        srs: options.srs,
        payee: `0x${"88".repeat(20)}`,
        transitions: [join(folder, "transitions.json")],
        memory: options.memoryMb,
        threads: options.threads,
        cache: CIRCUITS,
        out,
      });
      const proven = JSON.parse(readFileSync(out, "utf8")) as ProvenArguments & { witnessDigest: p.Hex };
      const [member] = stage.members;
      if (member === undefined) throw new Error("no member");
      const { keysetId, keyset, privateKey } = member.node;
      const signature = p.signDigest(proven.witnessDigest, privateKey);
      await settle({ ...proven, witness: { keysetId, answerKey: keyset.answerKey, signature } });
      expect(await stage.contract.owedTo(`0x${"88".repeat(20)}`)).toBe(INBOX_PRICE);
      stage.state.set({ key: await postKey(stage, 7), seq: 1n, value: budget(5n, 0n) });
      stage.state.set(transition);
      expect(await stage.contract.root()).toBe(stage.state.root);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe("when every key is stolen", () => {
    test("cannot raise a cap, shrink a spending or exceed it", async () => {
      for (const value of [budget(1_000n, 50n), budget(100n, 1n), budget(100n, 101n)]) {
        const transition = signTransition(stage, stage.state, { key: post, value });
        await expect(nextProvenEpoch(stage, [{ kind: "signed", transition }])).rejects.toMatchObject({
          code: "INPUT_INVALID",
        });
      }
    });
  });

  describe("the development verifier", () => {
    let snapshot: string;
    beforeEach(async () => {
      snapshot = (await chain.provider.send("evm_snapshot", [])) as string;
    });
    const onAnotherChain = async (act: () => Promise<void>): Promise<void> => {
      await chain.provider.send("anvil_setChainId", [1]);
      try {
        await act();
      } finally {
        await chain.provider.send("anvil_setChainId", [31_337]);
        await chain.provider.send("evm_revert", [snapshot]);
      }
    };

    test("refuses a chain that is not local, where it is deployed and where it verifies", async () => {
      const { abi, bytecode } = compileVerifier(source);
      const { Interface } = await import("ethers");
      const verify = new Interface(abi).encodeFunctionData("verify", ["0x", []]);
      const [from] = (await chain.provider.send("eth_accounts", [])) as string[];
      await onAnotherChain(async () => {
        const refused = /ChainNotLocal|0x[0-9a-f]*|revert/;
        await expect(
          chain.provider.send("eth_call", [{ to: verifier, data: verify }, "latest"]),
        ).rejects.toThrow(refused);
        await expect(chain.provider.send("eth_estimateGas", [{ from, data: bytecode }])).rejects.toThrow(
          refused,
        );
      });
      await expect(chain.provider.send("eth_estimateGas", [{ from, data: bytecode }])).resolves.toMatch(
        /^0x/,
      );
    });
  });

  test("names a transition key for one ledger alone", () => {
    const other = { ...stage.name, ledger: `0x${"44".repeat(20)}` } as const;
    const point = stage.members[0]?.key.publicKey ?? { x: 0n, y: 0n };
    expect(transitionKeyDigest(other, point)).not.toBe(transitionKeyDigest(stage.name, point));
  });
});
