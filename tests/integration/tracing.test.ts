import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { traceContextOf, traceparentOf } from "../../oracle/telemetry/trace-context.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, type TestChain, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

let bed: Testbed;
let chain: TestChain;
let enclave: StandInEnclave;
let collector: Server;
let oracle: OracleProcess;
const spans: Span[] = [];
let everything = "";

beforeEach(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
  collector = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      everything += text;
      const { resourceSpans } = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
  oracle = await bed.startNode({ change: { tracing: { url } } });
});

afterEach(async ({ task }) => {
  await bed.stop(task);
  collector.closeAllConnections();
  collector.close();
});

test("a request, its enclave's answer and its transaction are one trace", { timeout: 90_000 }, async () => {
  const { requestId } = await ask(chain);
  await untilSettled(chain, requestId);
  await until("the settled phase", async () => {
    const response = await fetch(`${oracle.url}/v1/requests/${requestId}`);
    return ((await response.json()) as { phase: string }).phase === "settled" ? true : undefined;
  });
  const metrics = await until("the request's duration", async () => {
    const text = await (await fetch(`${oracle.url}/v1/metrics`)).text();
    return text.includes('span="request"') ? text : undefined;
  });
  expect(metrics).toContain(
    'adyton_oracle_span_seconds_count{span="enclave.answer",chain="31337",outcome="ok"} 1\n',
  );
  expect(await oracle.stop("SIGTERM")).toBe(0);
  const { traceId, rootSpanId } = traceContextOf(requestId);
  const own = spans.filter((span) => span.traceId === traceId);
  expect(own.map(({ name }) => name).sort()).toEqual(["enclave.answer", "request", "transaction"]);
  const whole = own.find(({ name }) => name === "request");
  expect(whole?.spanId).toBe(rootSpanId);
  for (const part of own.filter(({ name }) => name !== "request")) {
    expect(part.parentSpanId).toBe(rootSpanId);
    expect(BigInt(part.startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(whole?.startTimeUnixNano ?? 0));
    expect(BigInt(part.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(whole?.endTimeUnixNano ?? 0));
  }
  expect(enclave.traceparents).toContain(traceparentOf(requestId));
  // Neither what was asked nor what was answered leaves the node this way.
  expect(everything).not.toMatch(/answer to 0x|2 \+ 2/);
});
