/** What a hundred programs at the same time leave of an enclave for everybody else. */

import { Agent, get } from "node:https";
import { agentPayload, runAgent, startAgentNetwork } from "../../tests/enclave/support/agent-network.ts";

const RUNS = 100;
/** Ten calls, and between them some five milliseconds of work. */
const SOURCE = `export default async (input, host) => {
  let sum = 0;
  for (let call = 0; call < 10; call++) {
    for (let step = 0; step < 60_000; step++) sum = (sum * 31 + step) % 1_000_003;
    await host.clock();
  }
  return sum + input;
};`;
/** Milliseconds between two looks at the enclave's health. */
const PAUSE_MS = 5;

export interface ParallelFigures {
  /** Of `GET /v1/health`, from the first run's call to the last one's end. */
  readonly healthP99Ms: number;
  readonly healthCalls: number;
  /** From the first call to the last answer, receipts among them. */
  readonly wholeMs: number;
}

export async function measureParallel(): Promise<ParallelFigures> {
  const network = await startAgentNetwork({ concurrent: RUNS + 1 });
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const health = new URL("/v1/health", network.enclave.url);
  try {
    await timedGet(health, agent);
    let isOver = false;
    const began = performance.now();
    const runs = Array.from({ length: RUNS }, (_, index) =>
      runAgent(network, agentPayload(SOURCE, { input: index })),
    );
    const all = Promise.all(runs).finally(() => {
      isOver = true;
    });
    const took: number[] = [];
    for (;;) {
      took.push(await timedGet(health, agent));
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the runs
      if (isOver) break;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    const replies = await all;
    const wholeMs = performance.now() - began;
    if (!replies.every(({ reply }) => reply.status === "ok")) throw new Error("a run failed");
    took.sort((a, b) => a - b);
    return {
      healthP99Ms: took[Math.ceil(took.length * 0.99) - 1] ?? Number.NaN,
      healthCalls: took.length,
      wholeMs,
    };
  } finally {
    agent.destroy();
    await network.stop();
  }
}

function timedGet(url: URL, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const before = performance.now();
    get(url, { agent }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - before);
        else reject(new Error(`health: ${response.statusCode ?? 0}`));
      });
    }).on("error", reject);
  });
}
