/**
 * `npm run -s bench:agents [-- --json]`: what agents cost on this machine, in one thread: the sandbox, a call of the host, proven
 * reads, a replay (milliseconds, `hostCallUs` microseconds); in an enclave, a hundred at the same time (`parallelEnclaveMs`), and how
 * long its health takes meanwhile; and on chain (gas).
 */

import { availableParallelism, loadavg } from "node:os";
import { ProgramLimits } from "../protocol/agent-program.ts";
import { loadSandbox } from "../cli/replay/load-sandbox.ts";
import { runProgram, type CallDelivery, type RunTerms } from "../runtime/agents/run-loop.ts";
import { measureParallel } from "./agents/parallel.ts";
import { measureReads } from "./agents/reads.ts";
import { measureReplay } from "./agents/replays.ts";
import { median, time } from "./agents/timing.ts";
import { ENDLESS_PROGRAMS } from "../tests/support/endless-programs.ts";
import { measureAgentAccount } from "./gas/measure.ts";

const STARTS = 40;
const CALLS = 1_000;
const PARALLEL = 100;

const sandbox = loadSandbox();
const { image } = sandbox;

function termsFor(body: string, calls: number): RunTerms {
  return {
    source: `export default async (input, host) => { ${body} };`,
    input: "null",
    terms: JSON.stringify({
      run: { id: "0x01", program: "0x02", now: 1, trigger: "http" },
      seed: `0x${"ab".repeat(32)}`,
      left: { calls, feeWei: "0", seconds: 1 },
    }),
    now: 1,
    gas: BigInt(ProgramLimits.parse({}).gas),
    memoryBytes: 32 * 1024 * 1024,
    calls,
    openCalls: 8,
    endsOnHostFailure: true,
  };
}

const DELIVERY: CallDelivery = {
  text: JSON.stringify({ ok: true, value: 1, left: { feeWei: "0", seconds: 1 } }),
  isHostFailure: false,
};
const perform = (): Promise<CallDelivery> => Promise.resolve(DELIVERY);

const start = termsFor("return 1;", 1);
const ten = termsFor("for (let i = 0; i < 10; i++) await host.clock();", 10);
const many = termsFor(`for (let i = 0; i < ${CALLS}; i++) await host.clock();`, CALLS);

const startMs = await median(STARTS, () => runProgram(image, start, perform));
const runMs10Calls = await median(STARTS, () => runProgram(image, ten, perform));
const manyMs = await median(3, () => runProgram(image, many, perform));
const parallel100Ms = await time(() =>
  Promise.all(Array.from({ length: PARALLEL }, () => runProgram(image, ten, perform))),
);
const attacks: { does: string; ms: number }[] = [];
for (const [does, body] of ENDLESS_PROGRAMS) {
  const terms = { ...termsFor(body, 4), memoryBytes: 64 * 1024 * 1024 };
  attacks.push({ does, ms: await time(() => runProgram(image, terms, perform)) });
}
const replayMs = await measureReplay(sandbox);
const { proofsPerSecond, callMs } = await measureReads();
const { healthP99Ms, healthCalls, wholeMs } = await measureParallel();
const accountGas = await measureAgentAccount();
const round = (value: number): number => Number(value.toFixed(2));
const figures = {
  startMs: round(startMs),
  hostCallUs: round(((manyMs - startMs) / CALLS) * 1000),
  runMs10Calls: round(runMs10Calls),
  parallel100Ms: round(parallel100Ms),
  parallelHealthP99Ms: round(healthP99Ms),
  parallelHealthCalls: healthCalls,
  parallelEnclaveMs: round(wholeMs),
  proofsPerSecond,
  callMs: Object.fromEntries(Object.entries(callMs).map(([name, ms]) => [name, round(ms)])),
  replayMs: round(replayMs),
  /** Until the default gas of a manifest ends it, the slowest first. */
  attackMs: Object.fromEntries(
    attacks.toSorted((a, b) => b.ms - a.ms).map(({ does, ms }) => [does, Math.round(ms)]),
  ),
  accountGas,
  cores: availableParallelism(),
  load: round(loadavg()[0] ?? 0),
};

process.stdout.write(
  process.argv.includes("--json")
    ? `${JSON.stringify(figures)}\n`
    : Object.entries(figures)
        .map(([name, value]) => `${name.padEnd(16)} ${JSON.stringify(value)}\n`)
        .join(""),
);
