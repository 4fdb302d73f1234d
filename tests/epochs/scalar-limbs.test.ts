/**
 * A constraint that no circuit writes: that a scalar's limbs have 128 bits is Barretenberg's own, of its multiplication. Noir's solver
 * refuses wider ones before a proof is made; a dishonest prover has another solver. Here it has: the multiplication is left out, and
 * its result, which is right, is brought along.
 */

import { Contract } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { acvm } from "@noir-lang/noir_js";
import { compileVerifier, deployVerifier } from "../../bench/coprocessor/proven-stage.ts";
import { startChain, type Chain } from "../../bench/gas/chain.ts";
import type { CircuitInput } from "../../coprocessor/epochs/build-epoch.ts";
import { proveWitness, writeVerifier, type ProvingKey } from "../../coprocessor/prover/prove.ts";
import * as p from "../../protocol/index.ts";
import { ATTACKED, ATTACKS, HONEST } from "./circuit-attacks.ts";
import { solveWithHints, type HintAttack } from "./hint-attacks.ts";
import { proverOptions, provingKey } from "./prover.ts";

const honest = HONEST["a write that two sign"];
const wide = ATTACKS["a scalar in limbs of more than 128 bits"];
const SIGNATURES = ATTACKED.rows * ATTACKED.signatures;

describe("limbs of a scalar", () => {
  const options = proverOptions(16);
  let chain: Chain;
  let key: ProvingKey;
  let verifier: Contract;
  /** The points that the honest epoch's multiplications make: those of the same scalars in other limbs. */
  const points: (readonly bigint[])[] = [];

  beforeAll(async () => {
    key = await provingKey(ATTACKED, options);
    const source = await writeVerifier(key, options);
    chain = await startChain();
    const { abi } = compileVerifier(source);
    verifier = new Contract(await deployVerifier(chain, source), abi, chain.provider);
    const outputs: (readonly number[])[] = [];
    const input = honest?.() ?? {};
    const [solved] = await solveWithHints(key.circuit, {
      input,
      choose: ({ kind, outputs: made }) => {
        if (kind === "multiplication") outputs.push(made);
        return null;
      },
    });
    for (const made of outputs)
      points.push(made.map((witness) => BigInt(solved?.witness.get(witness) ?? "")));
  });
  afterAll(async () => {
    await chain.stop();
  });

  /** Whether the contract takes a proof of what is solved without the solver's multiplication. */
  async function isProven(input: CircuitInput): Promise<boolean> {
    let next = 0;
    const choose: HintAttack["choose"] = ({ kind }) =>
      kind === "multiplication" ? (points[next++] ?? null) : null;
    const stack = await solveWithHints(key.circuit, { input, choose });
    const statement = input["statement"] as Readonly<Record<string, string>>;
    const inputs = Object.values(statement).map((value) => p.toHex(p.uintWord(BigInt(value))));
    try {
      const proof = await proveWitness(key, acvm.compressWitnessStack(stack), options);
      return Boolean(await verifier.getFunction("verify").staticCall(proof, inputs));
    } catch (error) {
      if ((error as { code?: unknown }).code === "PROVER_FAILED") return false;
      if ((error as { code?: unknown }).code === "CALL_EXCEPTION") return false;
      throw error;
    }
  }

  test("are proven as they are", async () => {
    expect(points).toHaveLength(SIGNATURES);
    expect(await isProven(honest?.() ?? {})).toBe(true);
  });

  test("of more than 128 bits are not proven, though they are the same scalar", async () => {
    expect(await isProven(wide?.() ?? {})).toBe(false);
  });
});
