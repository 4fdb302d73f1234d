/** `adyton model commit|prove|verify`: scores of features that nobody is shown. */

import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Contract, JsonRpcProvider } from "ethers";
import { commitFeatures, commitModel, toElement } from "../../coprocessor/models/commit-model.ts";
import { elementWord, InputsFile, ScoreProofFile } from "../../coprocessor/models/proof-file.ts";
import { toFeatures, toReal } from "../../coprocessor/models/integer-model.ts";
import type { ModelTerms } from "../../coprocessor/models/read-model.ts";
import { element } from "../../coprocessor/epochs/elements.ts";
import { FIELD_ORDER } from "../../coprocessor/ledger/poseidon-tree-hash.ts";
import { countGates } from "../../coprocessor/prover/circuit-size.ts";
import { compileModelCircuit, modelCircuitInput } from "../../coprocessor/prover/model-circuit.ts";
import { loadProvingKey, proveInput, writeVerifier } from "../../coprocessor/prover/prove.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError, InputError } from "../../protocol/errors.ts";
import { readJsonFile } from "../json-file.ts";
import { parseFeatures, readModelFile } from "./read-terms.ts";

const VERIFY = ["function verify(bytes proof, bytes32[] publicInputs) view returns (bool)"];

export interface SaltedTerms extends ModelTerms {
  /** Zero, a model that everybody may know, where there is none. */
  readonly salt?: string;
}

/** The model's commitment; of features, if there are any, an entry of an inputs file and its commitment. */
export function commit(
  file: string,
  options: SaltedTerms & { readonly features?: string },
): {
  readonly model: Hex;
  readonly input?: { readonly features: readonly number[]; readonly salt: Hex };
  readonly commitment?: Hex;
} {
  const model = readModelFile(file, options);
  const named = { model: elementWord(commitModel(model, saltOf(options))) };
  if (options.features === undefined) return named;
  const features = parseFeatures(options.features);
  const salt = BigInt(toHex(new Uint8Array(randomBytes(32)))) % FIELD_ORDER;
  const commitment = elementWord(commitFeatures(toFeatures(model, features), salt));
  return { ...named, input: { features, salt: elementWord(salt) }, commitment };
}

export interface ProveScoresOptions extends SaltedTerms {
  readonly inputs: string;
  readonly srs: string;
  readonly out: string;
  /** Where the circuit's verifier is written. */
  readonly verifier?: string;
  /** That the circuit has. */
  readonly scores?: number;
  readonly memory: number;
  readonly threads: number;
  readonly cache: string;
}

/** @throws {InputError} INPUT_INVALID for inputs that do not fit; {ProverError} as `loadProvingKey` */
export async function prove(
  file: string,
  options: ProveScoresOptions,
  say: (line: string) => void,
): Promise<void> {
  const model = readModelFile(file, options);
  const { inputs } = readJsonFile(
    options.inputs,
    InputsFile,
    "write it from what `adyton model commit` says",
  );
  const count = options.scores ?? inputs.length;
  if (inputs.length > count) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${options.inputs} has ${inputs.length} inputs, and the circuit ${count} scores: prove fewer at once`,
    });
  }
  // A circuit has one number of scores: the last input stands for those that are missing.
  const secrets = Array.from({ length: count }, (_, index) => {
    const { features, salt } = inputs[Math.min(index, inputs.length - 1)] ?? { features: [], salt: 0n };
    return { features: toFeatures(model, features), salt };
  });
  const { statement, input } = modelCircuitInput(model, saltOf(options), secrets);
  const circuit = await compileModelCircuit(model, { count, cache: options.cache });
  const prover = { srs: resolve(options.srs), memoryMb: options.memory, threads: options.threads };
  say(`${await countGates(circuit, prover)} gates, ${count} scores`);
  const key = await loadProvingKey(circuit, prover);
  say(`verification key ${key.hash}, of sources ${circuit.sourceHash}`);
  if (options.verifier !== undefined) writeFileSync(options.verifier, await writeVerifier(key, prover));
  const proof = await proveInput(key, input, prover);
  const made = {
    version: 1,
    model: elementWord(statement.model),
    inputs: statement.inputs.map(elementWord),
    scores: statement.scores,
    proof,
  };
  writeFileSync(options.out, `${JSON.stringify(made, null, 2)}\n`);
  say(`proven: ${options.out}`);
}

export interface VerifyScoresOptions extends SaltedTerms {
  readonly rpc: string;
  readonly verifier: string;
  readonly proof: string;
}

export interface VerifiedScores {
  readonly model: Hex;
  readonly scores: readonly {
    readonly input: Hex;
    readonly scores: readonly number[];
    readonly real: readonly number[];
  }[];
}

/**
 * Asks the verifier on its chain: Barretenberg's own takes no development reference string. Which contract that is, is the caller's word.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH for another model; EVIDENCE_SIGNATURE_INVALID where the proof does not hold
 */
export async function verify(file: string, options: VerifyScoresOptions): Promise<VerifiedScores> {
  const model = readModelFile(file, options);
  const proven = readJsonFile(options.proof, ScoreProofFile, "name what `adyton model prove` wrote");
  if (proven.model !== commitModel(model, saltOf(options))) {
    throw new EvidenceError({
      code: "EVIDENCE_BINDING_MISMATCH",
      message: `the scores are of another model than ${file}, or of another salt`,
    });
  }
  if (!(await isProven(proven, options))) {
    throw new EvidenceError({
      code: "EVIDENCE_SIGNATURE_INVALID",
      message: "the verifier refuses the proof: another score, another input, or another circuit",
    });
  }
  const scores = proven.inputs.map((input, index) => {
    const own = proven.scores[index] ?? [];
    return { input: elementWord(input), scores: own, real: own.map((score) => toReal(model, score)) };
  });
  return { model: elementWord(proven.model), scores };
}

/** A verifier reverts on what it refuses; anything else that fails is not its word. */
async function isProven(
  { model, inputs, scores, proof }: ScoreProofFile,
  { rpc, verifier }: VerifyScoresOptions,
): Promise<boolean> {
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1 });
  try {
    if ((await provider.getCode(verifier)) === "0x")
      throw new InputError({ code: "INPUT_INVALID", message: `${verifier} is no contract on this chain` });
    const publicInputs = [model, ...inputs, ...scores.flat().map(toElement)].map(elementWord);
    const contract = new Contract(verifier, VERIFY, provider);
    return Boolean(await contract.getFunction("verify").staticCall(proof, publicInputs));
  } catch (error) {
    if ((error as { code?: unknown }).code === "CALL_EXCEPTION") return false;
    throw error;
  } finally {
    provider.destroy();
  }
}

function saltOf({ salt }: SaltedTerms): bigint {
  if (salt === undefined) return 0n;
  const parsed = element.safeParse(salt);
  if (parsed.success) return parsed.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: "--salt wants 32 bytes as lower-case hex that are an element of the field",
  });
}
