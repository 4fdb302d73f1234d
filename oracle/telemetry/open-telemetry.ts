/** Spans to a collector of OpenTelemetry's. Loaded only where the configuration names one. */

import { ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags, type Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { readFileSync } from "node:fs";
import type { RequestSpan, SpanSink } from "./request-span.ts";
import { traceContextOf } from "./trace-context.ts";

export interface CollectorConfig {
  /** OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** File with a token that is sent as `Authorization: Bearer`. */
  readonly tokenFile?: string | undefined;
}

export function createCollectorProcessor({ url, tokenFile }: CollectorConfig): SpanProcessor {
  const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, "utf8").trim();
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url, headers }) });
}

/** The span "request" has the id that others name as their parent, before it was recorded and in other processes. */
class RequestIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  next: { readonly traceId: string; readonly spanId: string } | undefined;

  generateTraceId(): string {
    return this.next?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next?.spanId ?? this.#random.generateSpanId();
  }
}

/** Outcomes that are errors in a trace's sense: somebody should look. */
const FAILED = /^(?:CHAIN|ENCLAVE|EVIDENCE|APPRAISAL|ENDORSEMENT|INPUT|MODEL)_/;

/** Hands spans to OpenTelemetry. Spans that the collector cannot take are dropped: nothing waits for it. */
export class OpenTelemetrySink implements SpanSink {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #ids = new RequestIds();

  /** `node` names this process among those that send to the same collector. */
  constructor(processor: SpanProcessor, node: string) {
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ "service.name": "adyton-oracle", "service.instance.id": node }),
      spanProcessors: [processor],
      idGenerator: this.#ids,
    });
    this.#tracer = this.#provider.getTracer("adyton");
  }

  record(span: RequestSpan): void {
    const { traceId, rootSpanId } = traceContextOf(span.requestId);
    const isRoot = span.name === "request";
    const parent = { traceId, spanId: rootSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
    this.#ids.next = isRoot ? { traceId, spanId: rootSpanId } : undefined;
    const started = this.#tracer.startSpan(
      span.name,
      {
        startTime: span.startMs,
        attributes: {
          ...span.attributes,
          "adyton.request_id": span.requestId,
          "adyton.chain_id": span.chainId,
          "adyton.outcome": span.outcome,
        },
      },
      isRoot ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    this.#ids.next = undefined;
    if (FAILED.test(span.outcome)) started.setStatus({ code: SpanStatusCode.ERROR, message: span.outcome });
    started.end(span.endMs);
  }

  /** Sends what is left. */
  async stop(): Promise<void> {
    await this.#provider.shutdown();
  }
}
