/** Answers per second for as long as somebody asks; and afterwards, that none is missing and none is there twice. */

import { AnswerCount, createAsker } from "./load.ts";
import { cpuSeconds, memoryMb } from "./process-cost.ts";
import type { Stack } from "./stack.ts";

/** Seconds before the measurement: code is compiled, pools are open, the pipeline is full. */
const WARM_UP_SECONDS = 8;
/** Requests of one transaction. */
const PER_TRANSACTION = 50;
const TICK_MS = 100;
/** Milliseconds for what is under way when the asking ends. */
const DRAIN_MS = 60_000;

export interface Throughput {
  readonly perSecond: number;
  readonly asked: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Of the oracle's process. */
  readonly cpuSecondsPer1000: number;
  /** Of the processes beside it, for what bounds the figure. */
  readonly othersCpuSecondsPer1000: Readonly<Record<string, number>>;
  /** Of the oracle's process, the most seen; and where it was after half of the requests and at the end. */
  readonly memoryMb: number;
  readonly memoryMbAtHalf: number;
  readonly memoryMbAtEnd: number;
}

export interface Load {
  readonly seconds: number;
  /** At least so many requests, however long it takes. */
  readonly requests: number;
  /** Requests without an answer that are kept waiting: the asker adds what was answered. */
  readonly outstanding: number;
}

export async function measureThroughput(stack: Stack, load: Load): Promise<Throughput> {
  const { oracle } = stack;
  const asker = await createAsker(stack);
  const count = await AnswerCount.from(stack);
  const pids = processes(stack);
  const cpuBefore = measureCpu(pids);
  let asked = 0;
  let peak = 0;
  const memory: number[] = [];
  const refill = async (): Promise<void> => {
    await count.update();
    for (; asked - count.distinct + PER_TRANSACTION <= load.outstanding; asked += PER_TRANSACTION)
      await asker.ask(PER_TRANSACTION);
    memory.push(memoryMb(oracle.pid));
    peak = Math.max(peak, memory.at(-1) ?? 0);
    await pause(TICK_MS);
  };
  await during(WARM_UP_SECONDS, refill);
  memory.length = 0;
  const before = { time: performance.now(), answers: count.distinct };
  while (performance.now() < before.time + load.seconds * 1_000 || asked < load.requests) await refill();
  const seconds = (performance.now() - before.time) / 1_000;
  const answers = count.distinct - before.answers;
  const end = performance.now() + DRAIN_MS;
  while (count.distinct < asked && performance.now() < end) {
    await count.update();
    await pause(TICK_MS);
  }
  // Over all of it, warm-up and drain: what is under way at either end would be counted half.
  const per1000 = Object.fromEntries(
    Object.entries(measureCpu(pids)).map(([name, used]) => [
      name,
      round(((used - (cpuBefore[name] ?? 0)) / count.distinct) * 1_000, 2),
    ]),
  );
  const { oracle: own = Number.NaN, ...others } = per1000;
  return {
    perSecond: round(answers / seconds, 1),
    asked,
    lost: asked - count.distinct,
    duplicated: count.duplicated,
    cpuSecondsPer1000: own,
    othersCpuSecondsPer1000: others,
    memoryMb: peak,
    memoryMbAtHalf: memory[memory.length >> 1] ?? 0,
    memoryMbAtEnd: memory.at(-1) ?? 0,
  };
}

function processes({ oracle, enclave, model, chain }: Stack): Readonly<Record<string, number>> {
  return {
    oracle: oracle.pid,
    enclave: enclave.pid,
    model: model.pid,
    anvil: chain.anvil.pid,
    bench: process.pid,
  };
}

function measureCpu(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)]));
}

async function during(seconds: number, work: () => Promise<void>): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) await work();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
