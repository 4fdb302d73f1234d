import { EndorsementError } from "../protocol/errors.ts";
import { AMD_KDS_URL, createAmdKds } from "./amd-kds.ts";
import type { IntelNeed, UnnamedPlatformNeed } from "../attestation/endorsements/needs.ts";
import { needsOf, type EndorsementSource } from "../attestation/endorsements/endorsement-source.ts";
import { createIntelPcs, INTEL_PCS_URL } from "./intel-pcs.ts";
import { createNvidiaOcsp, NVIDIA_OCSP_URL } from "./nvidia-ocsp.ts";

/** Milliseconds for one document: the vendors answer in under a second, or are down. */
const DEFAULT_TIMEOUT_MS = 15_000;

export interface VendorSourceOptions {
  readonly fetch?: typeof globalThis.fetch;
  /** Intel's PCS, or a PCCS. */
  readonly intelUrl?: string;
  readonly amdUrl?: string;
  readonly nvidiaUrl?: string;
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
  const nvidia = createNvidiaOcsp({ ...http, url: options.nvidiaUrl ?? NVIDIA_OCSP_URL });
  return {
    find: async (evidence, now) => {
      const needs = needsOf(evidence);
      return {
        ...(needs.intel !== null && { intel: await intel.find(requirePlatform(needs.intel), now) }),
        ...(needs.amd !== null && { amd: await amd.find(needs.amd, now) }),
        ...(needs.nvidia !== null && { nvidia: await nvidia.find(needs.nvidia, now) }),
      };
    },
  };
}

/** Intel serves a PCK certificate only to who names the platform, and the quote's name for it is encrypted to Intel. */
function requirePlatform(need: IntelNeed | UnnamedPlatformNeed): IntelNeed {
  if (!("pckName" in need)) return need;
  throw new EndorsementError({
    code: "ENDORSEMENT_UNAVAILABLE",
    message:
      "the quote brings no PCK chain, and nobody can be asked for it: give the host's PCK certificate and Intel's collateral as files (--endorsements)",
    details: { endorsement: "PCK certificate chain", ...need.pckName },
  });
}
