import type { Hex } from "../../protocol/bytes.ts";

/**
 * A part of a request's life that has ended. "request" is the whole of it, from its block's reading to its settlement's;
 * the others happened within.
 */
export interface RequestSpan {
  readonly name: "request" | "enclave.answer" | "transaction";
  readonly requestId: Hex;
  readonly chainId: number;
  /** Milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** How it ended, from a small set: a label of metrics. */
  readonly outcome: string;
  /** Public names and numbers only: no prompt, output or credential. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** Where spans go. Must not throw, and must not wait. */
export interface SpanSink {
  record(span: RequestSpan): void;
}
