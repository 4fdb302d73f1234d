import type { Hex } from "../../../protocol/bytes.ts";

/** Under which policies this node answers requests of a chain. */
export interface ServedPolicies {
  /** Those of the configuration: requests under another one are kept for the index, and cost nothing more. */
  readonly configured: readonly Hex[];
  /** Those of them under which an enclave is admitted now: only their requests have jobs. */
  live(): readonly Hex[];
}
