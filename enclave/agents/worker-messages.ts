/** The messages between the enclave and the threads that run programs. */

import type { Call, CallDelivery, RunEnd, RunTerms } from "../../runtime/agents/run-loop.ts";

export type ToWorker =
  | { readonly kind: "run"; readonly run: number; readonly terms: RunTerms }
  | { readonly kind: "result"; readonly run: number; readonly call: number; readonly delivery: CallDelivery };

export type FromWorker =
  | { readonly kind: "call"; readonly run: number; readonly call: Call }
  | { readonly kind: "end"; readonly run: number; readonly end: RunEnd }
  /** The engine or this thread failed, and not the program. */
  | { readonly kind: "lost"; readonly run: number; readonly reason: string };
