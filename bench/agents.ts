/** `npm run -s bench:agents [-- --json]`: what the sandbox costs on this machine, in one thread. */

import { availableParallelism, loadavg } from "node:os";
import { loadSandbox } from "../cli/replay/load-sandbox.ts";
import { runProgram, type CallDelivery, type RunTerms } from "../runtime/agents/run-loop.ts";

const STARTS = 40;
const CALLS = 1_000;
const PARALLEL = 100;

const { image } = loadSandbox();

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
    gas: 2_000_000_000n,
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

async function time(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

async function median(count: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) times.push(await time(work));
  return times.sort((a, b) => a - b)[count >> 1] ?? Number.NaN;
}

const start = termsFor("return 1;", 1);
const ten = termsFor("for (let i = 0; i < 10; i++) await host.clock();", 10);
const many = termsFor(`for (let i = 0; i < ${CALLS}; i++) await host.clock();`, CALLS);

const startMs = await median(STARTS, () => runProgram(image, start, perform));
const runMs10Calls = await median(STARTS, () => runProgram(image, ten, perform));
const manyMs = await median(3, () => runProgram(image, many, perform));
const parallel100Ms = await time(() =>
  Promise.all(Array.from({ length: PARALLEL }, () => runProgram(image, ten, perform))),
);
const round = (value: number): number => Number(value.toFixed(2));
const figures = {
  startMs: round(startMs),
  hostCallUs: round(((manyMs - startMs) / CALLS) * 1000),
  runMs10Calls: round(runMs10Calls),
  parallel100Ms: round(parallel100Ms),
  cores: availableParallelism(),
  load: round(loadavg()[0] ?? 0),
};

process.stdout.write(
  process.argv.includes("--json")
    ? `${JSON.stringify(figures)}\n`
    : Object.entries(figures)
        .map(([name, value]) => `${name.padEnd(16)} ${value}\n`)
        .join(""),
);
