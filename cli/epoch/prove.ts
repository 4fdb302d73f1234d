/** Reads a ledger and what enclaves signed for it, and proves the next epoch. */

import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { JsonRpcProvider } from "ethers";
import { IEnclaveRegistry__factory, IProvenLedger__factory } from "../../contracts/bindings/index.ts";
import { buildEpoch, type Step } from "../../coprocessor/epochs/build-epoch.ts";
import { provenEpochFile, TransitionsFile } from "../../coprocessor/epochs/epoch-file.ts";
import { provenStateFrom, type ProvenState } from "../../coprocessor/epochs/proven-state.ts";
import { toTransition } from "../../coprocessor/epochs/judge-proven-epoch.ts";
import { findRule } from "../../coprocessor/epochs/rule.ts";
import type { EpochSigner } from "../../coprocessor/epochs/transition.ts";
import { compileCircuit } from "../../coprocessor/prover/circuit.ts";
import { loadProvingKey, proveEpoch, type Progress } from "../../coprocessor/prover/prove-epoch.ts";
import { checkSrs } from "../../coprocessor/prover/srs.ts";
import { InputError } from "../../protocol/errors.ts";
import { address, bytes32 } from "../../protocol/fields.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { readJsonFile } from "../json-file.ts";

export interface ProveOptions {
  readonly rpc: string;
  readonly ledger: string;
  readonly srs: string;
  readonly payee: string;
  readonly transitions?: string;
  readonly read?: readonly string[];
  readonly memory: number;
  readonly threads: number;
  readonly cache: string;
  readonly out: string;
}

/** Of Barretenberg 5.0.0 on one thread, measured; and what a circuit has beside its rows. */
const SECONDS_PER_GATE = 0.000_036;
const GATES_PER_ROW = 9_110;
const FIXED_GATES = 3_500;
const MACHINE_GROUPS_AT = 256n;

/** @throws {ProverError} PROVER_SRS_UNKNOWN before anything is read; InputError for what does not fit the ledger */
export async function prove(options: ProveOptions): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { kind } = checkSrs(options.srs);
  say(`reference string: ${kind}`);
  const given = await readTransitions(options.transitions);
  const provider = new JsonRpcProvider(options.rpc, undefined, { cacheTimeout: -1 });
  try {
    const ledger = address.parse(options.ledger.toLowerCase());
    const { terms, chainId, state, signers } = await readLedger(provider, ledger, given);
    const { rule, signatures } = findRule(terms.ruleId);
    const steps = stepsOf(state, given, options.read ?? []).slice(0, terms.largeRows);
    const capacity = steps.length <= terms.smallRows ? terms.smallRows : terms.largeRows;
    const built = buildEpoch(state.tree, {
      name: { chainId, ledger, ruleId: terms.ruleId },
      rule,
      signatures,
      capacity,
      epoch: state.epochs,
      payee: address.parse(options.payee.toLowerCase()),
      signers,
      steps,
    });
    const gates = FIXED_GATES + GATES_PER_ROW * capacity;
    say(`epoch ${state.epochs}: ${steps.length} rows in a circuit of ${capacity}, about ${gates} gates`);
    const circuit = await compileCircuit({ rule, rows: capacity, signatures }, { cache: options.cache });
    const proverOptions = {
      srs: resolve(options.srs),
      memoryMb: options.memory,
      threads: options.threads,
      onProgress: progressLine(say, (gates * SECONDS_PER_GATE) / options.threads),
    };
    const key = await loadProvingKey(circuit, proverOptions);
    say(`verification key ${key.hash}, of sources ${circuit.sourceHash}`);
    const proof = await proveEpoch(key, built.input, proverOptions);
    writeFileSync(
      options.out,
      `${JSON.stringify(provenEpochFile(built.statement, given, proof), null, 2)}\n`,
    );
    say(`proven: ${options.out}`);
  } finally {
    provider.destroy();
  }
}

async function readTransitions(from: string | undefined): Promise<TransitionsFile> {
  if (from === undefined) return { signers: [], transitions: [] };
  if (!/^https?:\/\//.test(from)) return readJsonFile(from, TransitionsFile, "name what enclaves signed");
  const reply = await fetch(from, { redirect: "error" });
  const parsed = TransitionsFile.safeParse(await reply.json().catch(() => undefined));
  if (reply.ok && parsed.success) return parsed.data;
  throw new InputError({ code: "INPUT_INVALID", message: `${from} does not serve transitions` });
}

interface Terms {
  readonly policyId: string;
  readonly ruleId: Hex;
  readonly smallRows: number;
  readonly largeRows: number;
}

async function readLedger(
  provider: JsonRpcProvider,
  ledger: Hex,
  given: TransitionsFile,
): Promise<{
  readonly terms: Terms;
  readonly chainId: bigint;
  readonly state: ProvenState;
  readonly signers: readonly EpochSigner[];
}> {
  const contract = IProvenLedger__factory.connect(ledger, provider);
  const read = await contract.terms();
  const { chainId } = await provider.getNetwork();
  const logs = await provider.getLogs({ address: ledger, fromBlock: 0 });
  const state = provenStateFrom(
    logs.map(({ topics, data }) => ({ topics: topics as readonly Hex[], data: data as Hex })),
  );
  const registry = IEnclaveRegistry__factory.connect(await contract.ENCLAVES(), provider);
  const block = await provider.getBlock("latest");
  const signers = await Promise.all(
    given.signers.map(async ({ keysetId, answerKey, x, y }, index) => {
      const at = block?.timestamp ?? 0;
      const { vendor, distinctVendors } = await registry.memberOf(read.policyId, at, keysetId, answerKey);
      const group = distinctVendors ? vendor : MACHINE_GROUPS_AT + BigInt(index);
      return { keysetId, answerKey, x, y, group };
    }),
  );
  const terms = {
    policyId: read.policyId,
    ruleId: bytes32.parse(read.ruleId),
    smallRows: Number(read.smallRows),
    largeRows: Number(read.largeRows),
  };
  return { terms, chainId, state, signers };
}

function stepsOf(
  { inbox }: ProvenState,
  { transitions }: TransitionsFile,
  reads: readonly string[],
): readonly Step[] {
  return [
    ...inbox.map((queued): Step => ({ kind: "inbox", ...queued })),
    ...transitions.map((transition): Step => ({ kind: "signed", transition: toTransition(transition) })),
    ...reads.map((key): Step => ({ kind: "read", key: bytes32.parse(key) })),
  ];
}

/** One line for each phase, and for each line that Barretenberg writes, with what is left by the gates. */
function progressLine(say: (line: string) => void, expectedSeconds: number): (progress: Progress) => void {
  let started = performance.now();
  return ({ phase, detail }) => {
    if (detail === undefined) started = performance.now();
    const passed = (performance.now() - started) / 1000;
    const left =
      phase === "proof" ? `, about ${Math.max(0, Math.round(expectedSeconds - passed))} s left` : "";
    say(`${phase}: ${passed.toFixed(1)} s${left}${detail === undefined ? "" : ` (${detail})`}`);
  };
}
