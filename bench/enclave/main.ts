/**
 * What the enclave adds to a model call. `npm run -s bench:enclave -- [--json] [--calls N] [--core N]`
 *
 * Added latency is the difference between a call through the enclave and the same call made bare to the same zero-delay
 * model, fresh connections compared with fresh ones and pooled with pooled; the two are measured in turns, so that a busy
 * machine slows both. Answers per second are over pooled connections with the enclave on one core.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createKeys } from "../../enclave/identity/keys.ts";
import { signDigest } from "../../enclave/identity/sign-digest.ts";
import { answerDigest } from "../../protocol/answer.ts";
import { offChainDomain } from "../../protocol/domain.ts";
import { transcriptRoot } from "../../protocol/transcript.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { answerCall, bareCall, createTarget, timedCall, type Target } from "./calls.ts";
import { startBench, type Bench } from "./processes.ts";
import { measureVerdicts } from "./verdicts.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    calls: { type: "string", default: "400" },
    core: { type: "string", default: "0" },
  },
});
const CALLS = Number(values.calls);
const WARM_UP = 60;
const CONCURRENT = 32;
const SLOW_CALLS = 200;
const pinned = spawnSync("taskset", ["-V"]).status === 0 ? Number(values.core) : null;
const otherCore = pinned === null ? null : pinned === 0 ? 1 : 0;
const deadline = BigInt(Math.floor(Date.now() / 1000) + 86_400);

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

interface Added {
  readonly p50: number;
  readonly p99: number;
}

async function measureAdded(bench: Bench, connection: "fresh" | "pooled"): Promise<Added> {
  const enclave = await bench.startEnclave(connection, pinned);
  const { certificateAuthority: ca, url } = bench.model;
  const bare = createTarget(`${url}/chat/completions`, connection === "pooled", { ca });
  const through = createTarget(`${enclave.url}/v1/answers`, true, { authorization: bench.authorization });
  const bareMs: number[] = [];
  const throughMs: number[] = [];
  for (let call = -WARM_UP; call < CALLS; call += 1) {
    const [a, b] = [
      await timedCall(bare, bareCall()),
      await timedCall(through, answerCall("stand-in-1", deadline)),
    ];
    if (call < 0) continue;
    bareMs.push(a);
    throughMs.push(b);
  }
  await enclave.stop();
  for (const list of [bareMs, throughMs]) list.sort((a, b) => a - b);
  const difference = (share: number): number => percentile(throughMs, share) - percentile(bareMs, share);
  return { p50: difference(0.5), p99: difference(0.99) };
}

async function runAll(target: Target, bodies: readonly string[], concurrent: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) await timedCall(target, body);
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
  return (performance.now() - started) / 1000;
}

const batch = (model: string, count: number): readonly string[] =>
  Array.from({ length: count }, () => answerCall(model, deadline));

/** Clock ticks of Linux: USER_HZ, which is 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, all its threads (proc(5), stat: utime and stime). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

interface Throughput {
  readonly perSecond: number;
  /** What one core does when it has nothing else to do. */
  readonly perCpuSecond: number;
}

async function measureThroughput(bench: Bench): Promise<Throughput> {
  const enclave = await bench.startEnclave("pooled", pinned);
  const target = createTarget(`${enclave.url}/v1/answers`, true, { authorization: bench.authorization });
  await runAll(target, batch("stand-in-1", CALLS), CONCURRENT);
  const count = CALLS * 4;
  const cpuBefore = cpuSeconds(enclave.pid);
  const seconds = await runAll(target, batch("stand-in-1", count), CONCURRENT);
  const cpu = cpuSeconds(enclave.pid) - cpuBefore;
  await enclave.stop();
  return { perSecond: count / seconds, perCpuSecond: count / cpu };
}

async function measureMemory(bench: Bench): Promise<number> {
  const enclave = await bench.startEnclave("fresh", pinned);
  const target = createTarget(`${enclave.url}/v1/answers`, true, { authorization: bench.authorization });
  await runAll(target, batch("slow", SLOW_CALLS), SLOW_CALLS);
  const peakKb = /^VmHWM:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${enclave.pid}/status`, "utf8"))?.[1];
  await enclave.stop();
  return Number(peakKb) / 1024;
}

/** Microseconds to hash a transcript of four events and sign the answer over it. */
function measureSigning(): number {
  const key = createKeys().answer.privateKey;
  const hash = keccak(new Uint8Array(32).fill(7));
  const event = {
    type: "output.returned",
    status: 1,
    outputHash: hash,
    outputBytes: 160,
    reason: null,
  } as const;
  const transcript = Array.from({ length: 4 }, () => ({ salt: hash, event }));
  const sign = (): string => {
    const answer = {
      requestId: hash,
      status: 1,
      outputHash: keccak(new Uint8Array(160)),
      transcriptRoot: transcriptRoot(transcript),
      stateBlockHash: hash,
      keysetId: hash,
      answeredAt: 1n,
    };
    return signDigest(answerDigest(offChainDomain(), answer), key);
  };
  for (let i = 0; i < 300; i += 1) sign();
  // Processor time: a machine that is busy with something else does not count.
  const before = process.cpuUsage();
  for (let i = 0; i < 1_000; i += 1) sign();
  return process.cpuUsage(before).user / 1_000;
}

const bench = await startBench(otherCore);
const fresh = await measureAdded(bench, "fresh");
const pooled = await measureAdded(bench, "pooled");
const throughput = await measureThroughput(bench);
const peakMemoryMb = await measureMemory(bench);
await bench.stop();
const result = {
  addedMsP50Fresh: round(fresh.p50),
  addedMsP99Fresh: round(fresh.p99),
  addedMsP50Pooled: round(pooled.p50),
  answersPerSecond: round(throughput.perSecond, 0),
  answersPerCpuSecond: round(throughput.perCpuSecond, 0),
  peakMemoryMb: round(peakMemoryMb, 0),
  signUs: round(measureSigning(), 0),
  verdictMsWorst: round(measureVerdicts()),
};
if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
else console.table(result);
