import { concatBytes, fromHex, type Hex, toUtf8 } from "../../protocol/bytes.ts";
import { keccak } from "../../protocol/struct-hash.ts";

export interface TraceContext {
  /** 16 bytes of hex, without prefix. */
  readonly traceId: string;
  /** 8 bytes of hex, without prefix: of the span "request". */
  readonly rootSpanId: string;
}

/**
 * A request's trace follows from its public id and from nothing else: what several nodes, or one before and after a crash,
 * record about a request comes together in one trace.
 */
export function traceContextOf(requestId: Hex): TraceContext {
  const hash = keccak(concatBytes(toUtf8("adyton trace"), fromHex(requestId)));
  return { traceId: hash.slice(2, 34), rootSpanId: hash.slice(34, 50) };
}

/** The header of W3C Trace Context §3.2: version 00, sampled. */
export function traceparentOf(requestId: Hex): string {
  const { traceId, rootSpanId } = traceContextOf(requestId);
  return `00-${traceId}-${rootSpanId}-01`;
}
