import { SpanStatusCode } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCollectorProcessor, OpenTelemetrySink } from "../../../oracle/telemetry/open-telemetry.ts";
import type { RequestSpan } from "../../../oracle/telemetry/request-span.ts";
import { traceContextOf, traceparentOf } from "../../../oracle/telemetry/trace-context.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const ID: Hex = `0x${"ab".repeat(32)}`;
const OTHER: Hex = `0x${"cd".repeat(32)}`;

/** Seconds since 1970. OpenTelemetry takes a number below its process's age for milliseconds of that age. */
const START = 1_790_000_001;

const span = (name: RequestSpan["name"], change: Partial<RequestSpan> = {}): RequestSpan => ({
  name,
  requestId: ID,
  chainId: 1,
  startMs: START * 1_000,
  endMs: START * 1_000 + 2_500,
  outcome: "ok",
  attributes: { "adyton.nonce": 7 },
  ...change,
});

async function recorded(...spans: readonly RequestSpan[]): Promise<readonly ReadableSpan[]> {
  const exporter = new InMemorySpanExporter();
  const sink = new OpenTelemetrySink(new SimpleSpanProcessor({ exporter }), "node-1");
  for (const one of spans) sink.record(one);
  const finished = [...exporter.getFinishedSpans()];
  await sink.stop();
  return finished;
}

test("a request's spans are one trace below the span of the request, whoever records them in whatever order", async () => {
  // Two processes: what asked the enclave was killed before the request was settled.
  const [enclave] = await recorded(span("enclave.answer"));
  const [whole, transaction] = await recorded(span("request"), span("transaction"));
  const { traceId, rootSpanId } = traceContextOf(ID);
  for (const one of [enclave, whole, transaction]) expect(one?.spanContext().traceId).toBe(traceId);
  expect(whole?.spanContext().spanId).toBe(rootSpanId);
  expect(whole?.parentSpanContext).toBeUndefined();
  expect(enclave?.parentSpanContext?.spanId).toBe(rootSpanId);
  expect(transaction?.parentSpanContext?.spanId).toBe(rootSpanId);
  expect(enclave?.spanContext().spanId).not.toBe(transaction?.spanContext().spanId);
});

test("a span has the times, names and numbers that were recorded", async () => {
  const [one] = await recorded(span("transaction"));
  expect(one).toMatchObject({
    name: "transaction",
    startTime: [START, 0],
    endTime: [START + 2, 500_000_000],
  });
  expect(one?.attributes).toEqual({
    "adyton.request_id": ID,
    "adyton.chain_id": 1,
    "adyton.outcome": "ok",
    "adyton.nonce": 7,
  });
  expect(one?.resource.attributes).toMatchObject({
    "service.name": "adyton-oracle",
    "service.instance.id": "node-1",
  });
});

test("an outcome that is an error's code fails the span, an answer's status does not", async () => {
  const [lost, refused] = await recorded(
    span("enclave.answer", { outcome: "ENCLAVE_UNAVAILABLE" }),
    span("enclave.answer", { outcome: "refused" }),
  );
  expect(lost?.status).toEqual({ code: SpanStatusCode.ERROR, message: "ENCLAVE_UNAVAILABLE" });
  expect(refused?.status.code).toBe(SpanStatusCode.UNSET);
});

test("the header is W3C's, and differs between requests", () => {
  expect(traceparentOf(ID)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(traceparentOf(OTHER)).not.toBe(traceparentOf(ID));
});

test("spans reach a collector as OTLP over HTTP, with the token", async () => {
  const directory = mkdtempSync(join(tmpdir(), "adyton-otlp-"));
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, "s3cret\n");
  const received = Promise.withResolvers<{ authorization: string | undefined; path: string; text: string }>();
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      received.resolve({ authorization: request.headers.authorization, path: request.url ?? "", text });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  const sink = new OpenTelemetrySink(createCollectorProcessor({ url, tokenFile }), "node-1");
  sink.record(span("request"));
  await sink.stop();
  const { authorization, path, text } = await received.promise;
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
  expect({ authorization, path }).toEqual({ authorization: "Bearer s3cret", path: "/v1/traces" });
  expect(JSON.parse(text)).toMatchObject({
    resourceSpans: [{ scopeSpans: [{ spans: [{ name: "request", traceId: traceContextOf(ID).traceId }] }] }],
  });
});
