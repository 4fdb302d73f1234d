/**
 * Scores of features that nobody is shown are proven, and a contract lets an applicant in by them, whose features a settled row of a ledger
 * commits to.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deployVerifier } from "../../bench/coprocessor/proven-stage.ts";
import {
  admitNodes,
  askMany,
  deployLedger,
  localKey,
  logsOf,
  settleNext,
  toRowProof,
} from "../../bench/coprocessor/stage.ts";
import { startChain, type Chain } from "../../bench/gas/chain.ts";
import { commit, prove, verify } from "../../cli/model/proof.ts";
import { CreditGate__factory, type CreditGate } from "../../contracts/bindings/index.ts";
import { Ledger } from "../../coprocessor/ledger/ledger.ts";
import type { SettledRow } from "../../coprocessor/ledger/settled-rows.ts";
import { scoreModel } from "../../coprocessor/models/integer-model.ts";
import { elementWord, ScoreProofFile } from "../../coprocessor/models/proof-file.ts";
import { readModel } from "../../coprocessor/models/read-model.ts";
import * as p from "../../protocol/index.ts";
import { CIRCUITS, proverOptions } from "../epochs/prover.ts";
import { file, inputs, MODELS, TERMS } from "../support/model-cases.ts";

const COUNT = 2;

describe("a proven score", () => {
  const model = readModel(file("logistic.onnx"), TERMS);
  const path = join(MODELS, "logistic.onnx");
  const options = { ...TERMS, threads: 2, cache: CIRCUITS };
  const THRESHOLD = 0;
  const scoreOf = (features: readonly number[]): number => scoreModel(model, features)[0] ?? 0;
  const good = inputs.find((features) => scoreOf(features) >= THRESHOLD) ?? [];
  const bad = inputs.find((features) => scoreOf(features) < THRESHOLD) ?? [];
  const toText = (features: readonly number[]): string =>
    JSON.stringify(features.map((value) => value / 2 ** model.featureBits));
  let folder: string;
  let chain: Chain;
  let verifier: string;
  let ledgerAddress: p.Hex;
  let gate: CreditGate;
  let rows: readonly SettledRow[];
  let named: ReturnType<typeof commit>;
  let proven: { readonly inputs: p.Hex[]; readonly scores: bigint[]; readonly proof: p.Hex };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "adyton-scores-"));
    named = commit(path, TERMS);
    const secrets = [good, bad].map((features) => commit(path, { ...TERMS, features: toText(features) }));
    writeFileSync(join(folder, "inputs.json"), JSON.stringify({ inputs: secrets.map(({ input }) => input) }));
    const { srs, memoryMb: memory } = proverOptions(15);
    const files = {
      inputs: join(folder, "inputs.json"),
      out: join(folder, "scores.json"),
      verifier: join(folder, "Verifier.sol"),
    };
    await prove(path, { ...options, ...files, srs, memory }, () => undefined);
    const made = ScoreProofFile.parse(JSON.parse(readFileSync(files.out, "utf8")));
    proven = {
      inputs: made.inputs.map(elementWord),
      scores: made.scores.flat().map(BigInt),
      proof: made.proof,
    };
    chain = await startChain();
    const stage = await deployLedger(chain, await admitNodes(chain), 1);
    await askMany(stage, COUNT, p.toHex(p.toUtf8("What is known of this applicant?")));
    const commitments = secrets.map(({ commitment }) => commitment ?? "0x");
    await settleNext(stage, { output: ({ position }) => commitments[Number(position) - 1] ?? "0x" });
    ledgerAddress = stage.name.ledger;
    const ledger = Ledger.fromLogs(await logsOf(stage));
    rows = [ledger.row(0, 0), ledger.row(0, 1)];
    verifier = await deployVerifier(chain, readFileSync(files.verifier, "utf8"));
    gate = await new CreditGate__factory(chain.owner).deploy(
      stage.name.ledger,
      await chain.owner.getAddress(),
      verifier,
      named.model,
      THRESHOLD,
    );
    await gate.waitForDeployment();
  });
  afterAll(async () => {
    await chain.stop();
    rmSync(folder, { recursive: true });
  });

  interface Change {
    readonly applicant?: number;
    readonly row?: number;
    readonly index?: number;
    readonly proven?: Partial<typeof proven>;
  }
  /** The error that `admit` ends with, or null. */
  async function refusal(
    { applicant = 0, row = applicant, index = applicant, proven: change = {} }: Change,
    at = gate,
  ): Promise<string | null> {
    const settled = rows[row];
    if (settled === undefined) throw new Error("no row");
    try {
      await at.admit.staticCall(localKey(applicant), settled.bytes, toRowProof(settled), index, {
        ...proven,
        ...change,
      });
      return null;
    } catch (error) {
      const data = (error as { data?: unknown }).data;
      const selector = typeof data === "string" ? data.slice(0, 10) : "";
      const names = [
        "ScoresNotProven()",
        "NotCanonical()",
        "ScoreTooLow(int256)",
        "OtherInput(bytes32,bytes32)",
        "NotAnApplicantsRow(bytes32)",
      ];
      return (
        names.find((name) => p.keccakText(name).startsWith(selector) && selector !== "") ?? String(error)
      );
    }
  }

  test("lets an applicant in whose row commits to the features", async () => {
    const [row] = rows;
    if (row === undefined) throw new Error("no row");
    await chain.mine(gate.admit(localKey(0), row.bytes, toRowProof(row), 0, proven));
    expect(await gate.isAdmitted(localKey(0))).toBe(true);
  });

  test("keeps one out whose score is too low", async () => {
    expect(await refusal({ applicant: 1 })).toBe("ScoreTooLow(int256)");
  });

  test.for<[string, () => Change, string]>([
    [
      "a forged score",
      () => ({ applicant: 1, proven: { scores: [proven.scores[0] ?? 0n, 1n] } }),
      "ScoresNotProven()",
    ],
    [
      "a score that stands for the same element",
      () => ({ proven: { scores: [(proven.scores[0] ?? 0n) - 2n ** 200n, 0n] } }),
      "NotCanonical()",
    ],
    ["another's features", () => ({ applicant: 1, index: 0 }), "OtherInput(bytes32,bytes32)"],
    ["another's row", () => ({ applicant: 1, row: 0 }), "NotAnApplicantsRow(bytes32)"],
    [
      "another input than was proven",
      () => ({ proven: { inputs: [proven.inputs[0] ?? "0x", proven.inputs[0] ?? "0x"] } }),
      "ScoresNotProven()",
    ],
    [
      "a proof of other bytes",
      () => ({
        proven: {
          proof: `${proven.proof.slice(0, -2)}${proven.proof.endsWith("00") ? "01" : "00"}` as p.Hex,
        },
      }),
      "ScoresNotProven()",
    ],
  ])("does not pass with %s", async ([, change, name]) => {
    expect(await refusal(change())).toBe(name);
  });

  test("does not pass where another model decides", async () => {
    const issuer = await chain.owner.getAddress();
    const model = elementWord(BigInt(named.model) + 1n);
    const other = await new CreditGate__factory(chain.owner).deploy(
      ledgerAddress,
      issuer,
      verifier,
      model,
      THRESHOLD,
    );
    await other.waitForDeployment();
    expect(await refusal({}, other)).toBe("ScoresNotProven()");
    expect(await refusal({})).toBe(null);
  });

  test("is verified by `adyton model verify`, and refused for another salt or another file", async () => {
    const asked = { ...TERMS, rpc: chain.url, verifier, proof: join(folder, "scores.json") };
    const said = await verify(path, asked);
    expect(said.scores.map(({ scores }) => scores)).toEqual(
      [good, bad].map((features) => scoreModel(model, features)),
    );
    expect(said.model).toBe(named.model);
    await expect(verify(path, { ...asked, salt: elementWord(1n) })).rejects.toMatchObject({
      code: "EVIDENCE_BINDING_MISMATCH",
    });
    await expect(verify(join(MODELS, "perceptron.onnx"), asked)).rejects.toMatchObject({
      code: "EVIDENCE_BINDING_MISMATCH",
    });
    const changed = JSON.parse(readFileSync(asked.proof, "utf8")) as { scores: number[][] };
    changed.scores[0] = [1];
    writeFileSync(join(folder, "forged.json"), JSON.stringify(changed));
    await expect(verify(path, { ...asked, proof: join(folder, "forged.json") })).rejects.toMatchObject({
      code: "EVIDENCE_SIGNATURE_INVALID",
    });
    await expect(verify(path, { ...asked, verifier: `0x${"55".repeat(20)}` })).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
  });

  test("is not proven of more inputs than the circuit has scores", async () => {
    const { srs, memoryMb: memory } = proverOptions(15);
    const files = { inputs: join(folder, "inputs.json"), out: join(folder, "none.json") };
    await expect(
      prove(path, { ...options, ...files, srs, memory, scores: 1 }, () => undefined),
    ).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });
});
