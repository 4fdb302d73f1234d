/**
 * `npm run -s bench:cre -- --json [--requests N]`: the road through Chainlink CRE beside a plain receiver of the same answer, one
 * after the other, over anvil with a block for each transaction.
 *
 * The plain one believes its forwarder, and is brought the answer alone. Gas is that of the whole transaction that Chainlink's
 * KeystoneForwarder 1.0.0 is called with, of ten nodes of which three may lie: four signatures.
 * Latency is a workflow's run in Chainlink's QuickJS, from the event to the transaction's receipt, with the enclave and its stand-in
 * model: no network of nodes, none of their consensus, and no confirmations.
 */

import { parseArgs } from "node:util";
import { AbiCoder, getBytes, id } from "ethers";
import { fromHex } from "../protocol/bytes.ts";
import { FAULTY, signReport } from "../tests/cre/support/forwarder.ts";
import { startStage, type Stage } from "../tests/cre/support/stage.ts";

const QUESTION = "What is 6 * 7?";
const LONG = "Say it in exactly 4096 bytes.";
const ENOUGH_GAS = 5_000_000n;

interface Sample {
  readonly ms: number;
  readonly gas: number;
}

const { values } = parseArgs({
  options: { json: { type: "boolean" }, requests: { type: "string", default: "10" } },
});
const stage = await startStage();
try {
  const report = await measure(Number(values.requests));
  process.stdout.write(`${JSON.stringify(report, null, values.json === true ? 0 : 2)}\n`);
} finally {
  await stage.stop();
}
process.exit(0);

async function measure(requests: number): Promise<object> {
  const short = await measureAnswer(QUESTION, requests);
  const long = await measureAnswer(LONG, Math.min(requests, 3));
  return { ...short, with4096Bytes: long, faultyNodes: FAULTY, requests };
}

async function measureAnswer(text: string, requests: number): Promise<object> {
  const ours: Sample[] = [];
  const plain: number[] = [];
  // The first of each is not counted: it fills slots that were empty.
  for (let round = -1; round < requests; round += 1) {
    const { sample, output } = await carryOurs(stage, text);
    const other = await carryPlain(stage, output, `${text} ${round}`);
    if (round < 0) continue;
    ours.push(sample);
    plain.push(other);
  }
  const reportGas = median(ours.map(({ gas }) => gas));
  const plainReportGas = median(plain);
  const latencyMs = median(ours.map(({ ms }) => ms));
  return { reportGas, plainReportGas, extraGas: reportGas - plainReportGas, latencyMs };
}

async function carryOurs(
  { ask, carry, consumer }: Stage,
  text: string,
): Promise<{ readonly sample: Sample; readonly output: Uint8Array }> {
  const question = await ask(text, 4_096);
  const started = performance.now();
  const { reported } = await carry(question, { gasLimit: ENOUGH_GAS });
  const ms = Math.round(performance.now() - started);
  if (reported?.outcome !== "delivered")
    throw new Error(`not delivered: ${reported?.outcome ?? "no report"}`);
  const [event] = await consumer.queryFilter(consumer.filters.Response(question.requestId));
  if (event === undefined) throw new Error("the consumer has no answer");
  return { sample: { ms, gas: Number(reported.gasUsed) }, output: fromHex(event.args.output) };
}

/** What a plain workflow brings: which question, and the answer. */
async function carryPlain(
  { forwarder, plain }: Stage,
  output: Uint8Array,
  execution: string,
): Promise<number> {
  const payload = getBytes(AbiCoder.defaultAbiCoder().encode(["bytes32", "bytes"], [id(execution), output]));
  const signed = signReport({ executionId: id(`plain ${execution}`), timestamp: 1_764_000_000 }, payload);
  const { outcome, gasUsed } = await forwarder.report(await plain.getAddress(), signed, ENOUGH_GAS);
  if (outcome !== "delivered") throw new Error(`not delivered: ${outcome}`);
  return Number(gasUsed);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
