/** From a circuit's inputs to a proof: witness by Noir, proof by Barretenberg. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { toHex, type Hex } from "../../protocol/bytes.ts";
import { ProverError } from "../../protocol/errors.ts";
import type { CircuitInput } from "../epochs/build-epoch.ts";
import { runBarretenberg, type BarretenbergOptions } from "./barretenberg.ts";
import { checkSrsLength, countGates } from "./circuit-size.ts";
import type { Circuit } from "./compile-noir.ts";
import { checkSrs, type Srs } from "./srs.ts";
import { verifierSource } from "./verifier-source.ts";

export interface ProverOptions extends Omit<BarretenbergOptions, "onLine"> {
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly phase: "key" | "witness" | "proof";
  /** What Barretenberg says of it. */
  readonly detail?: string;
}

/** A circuit with its verification key, made for one SRS. */
export interface ProvingKey {
  readonly circuit: Circuit;
  readonly srs: Srs;
  readonly path: string;
  readonly hash: Hex;
}

/**
 * Made once for each circuit and SRS: the key commits with that SRS's points.
 *
 * @throws {ProverError} PROVER_SRS_UNKNOWN, PROVER_SRS_TOO_SMALL, before a key or a proof is begun; PROVER_FAILED, PROVER_OUT_OF_MEMORY
 */
export async function loadProvingKey(circuit: Circuit, options: ProverOptions): Promise<ProvingKey> {
  const srs = checkSrs(options.srs);
  checkSrsLength(srs, await countGates(circuit, options));
  const folder = join(circuit.folder, srs.kind);
  const path = join(folder, "vk");
  if (!existsSync(join(folder, "vk_hash"))) {
    options.onProgress?.({ phase: "key" });
    createFolder(folder);
    await runBarretenberg(
      ["write_vk", "-t", circuit.flavour, "-b", circuit.program, "-o", folder],
      withLines(options, "key"),
    );
  }
  return { circuit, srs, path, hash: toHex(readFileSync(join(folder, "vk_hash"))) };
}

/** The verifier in Solidity, for the SRS that the key was made with. */
export async function writeVerifier(key: ProvingKey, options: ProverOptions): Promise<string> {
  const path = join(key.path, "../Verifier.sol");
  if (!existsSync(path)) {
    const flavour = key.circuit.flavour;
    const args = ["write_solidity_verifier", "-t", flavour, "--optimized", "-k", key.path, "-o", path];
    await runBarretenberg(args, options);
  }
  return verifierSource(readFileSync(path, "utf8"), key.srs);
}

/**
 * @returns what the verifier takes
 * @throws {ProverError} PROVER_FAILED where no witness satisfies the circuit; as `loadProvingKey`
 */
export async function proveInput(key: ProvingKey, input: CircuitInput, options: ProverOptions): Promise<Hex> {
  options.onProgress?.({ phase: "witness" });
  return await proveWitness(key, await solveWitness(key.circuit, input), options);
}

/** @param witness of `solveWitness`. One that does not satisfy the circuit makes a proof that no verifier accepts. */
export async function proveWitness(
  { circuit, path }: ProvingKey,
  witness: Uint8Array,
  options: ProverOptions,
): Promise<Hex> {
  const folder = mkdtempSync(join(tmpdir(), "adyton-proof-"));
  try {
    writeFileSync(join(folder, "witness.gz"), witness);
    options.onProgress?.({ phase: "proof" });
    const args = ["-b", circuit.program, "-w", join(folder, "witness.gz"), "-k", path, "-o", folder];
    await runBarretenberg(["prove", "-t", circuit.flavour, ...args], withLines(options, "proof"));
    return toHex(readFileSync(join(folder, "proof")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws {ProverError} PROVER_FAILED, with the assertion that does not hold */
export async function solveWitness(circuit: Circuit, input: CircuitInput): Promise<Uint8Array> {
  const { Noir } = await import("@noir-lang/noir_js");
  const noir = new Noir(
    JSON.parse(readFileSync(circuit.program, "utf8")) as ConstructorParameters<typeof Noir>[0],
  );
  try {
    const { witness } = await noir.execute(input as Parameters<typeof noir.execute>[0]);
    return witness;
  } catch (cause) {
    throw new ProverError({
      code: "PROVER_FAILED",
      message: `no proof can be made of this: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    });
  }
}

function withLines(options: ProverOptions, phase: Progress["phase"]): BarretenbergOptions {
  return { ...options, onLine: (detail) => options.onProgress?.({ phase, detail }) };
}
