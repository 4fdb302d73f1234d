import { AMD_KDS_URL, createAmdKds } from "./amd-kds.ts";
import { needsOf, type EndorsementSource } from "./endorsement-source.ts";
import { createIntelPcs, INTEL_PCS_URL } from "./intel-pcs.ts";

/** Milliseconds for one document: Intel and AMD answer in under a second, or are down. */
const DEFAULT_TIMEOUT_MS = 15_000;

export interface VendorSourceOptions {
  readonly fetch?: typeof globalThis.fetch;
  /** Intel's PCS, or a PCCS. */
  readonly intelUrl?: string;
  readonly amdUrl?: string;
  readonly timeoutMs?: number;
  readonly intelUpdate?: "early" | "standard";
}

/** Fetches from the vendors, keeping what was fetched until its own end. Make one and keep it. */
export function createVendorSource(options: VendorSourceOptions = {}): EndorsementSource {
  const http = {
    fetch: options.fetch ?? globalThis.fetch,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
  const intel = createIntelPcs({
    ...http,
    url: options.intelUrl ?? INTEL_PCS_URL,
    update: options.intelUpdate ?? "standard",
  });
  const amd = createAmdKds({ ...http, url: options.amdUrl ?? AMD_KDS_URL });
  return {
    find: async (evidence, now) => {
      const needs = needsOf(evidence);
      return {
        ...(needs.intel !== null && { intel: await intel.find(needs.intel, now) }),
        ...(needs.amd !== null && { amd: await amd.find(needs.amd, now) }),
      };
    },
  };
}
