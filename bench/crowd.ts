/**
 * What a crowd without a credential does to a caller who has one. `npm run -s bench:crowd -- [--json] [--silent N] [--loops N]`
 *
 * 2,048 connections that say nothing and 24 loops that ask for evidence, from the caller's own address; the caller's answers are
 * timed, each over a connection of its own. Exit status 1 when the 99th percentile is a second or more.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { answerCall, createTarget, timedCall } from "./enclave/calls.ts";
import { startBench } from "./enclave/processes.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    silent: { type: "string", default: "2048" },
    loops: { type: "string", default: "24" },
    calls: { type: "string", default: "200" },
  },
});
const MAX_P99_MS = 1_000;

const bench = await startBench(null);
const enclave = await bench.startEnclave("fresh", null);
const crowd = spawn(process.execPath, [
  new URL("enclave/crowd.ts", import.meta.url).pathname,
  enclave.url,
  values.silent,
  values.loops,
]);
await once(crowd.stdout, "data");
const target = createTarget(`${enclave.url}/v1/answers`, false, { authorization: bench.authorization });
const deadline = BigInt(Math.floor(Date.now() / 1000) + 86_400);
const took: number[] = [];
for (let call = 0; call < Number(values.calls); call += 1)
  took.push(await timedCall(target, answerCall("stand-in-1", deadline)));
const exited = once(crowd, "exit");
crowd.kill();
await exited;
await enclave.stop();
await bench.stop();

took.sort((a, b) => a - b);
const at = (share: number): number => Math.round(took[Math.ceil(took.length * share) - 1] ?? Number.NaN);
const result = { calls: took.length, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) };
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else console.table(result);
process.exitCode = result.p99Ms < MAX_P99_MS ? 0 : 1;
