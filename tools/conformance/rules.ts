/**
 * Every normative rule that the verifier follows, by kind of evidence: where it comes from, the test that accepts what keeps it and the
 * test that refuses what breaks it, by their own names. `tools/write-conformance.ts` makes the pages of them.
 */

import { AMD_SEV_SNP } from "./amd-sev-snp.ts";
import { AWS_NITRO } from "./aws-nitro.ts";
import { AZURE_VTPM } from "./azure-vtpm.ts";
import { DOCUMENTS } from "./documents.ts";
import { DSTACK } from "./dstack.ts";
import { INTEL_QUOTES } from "./intel-quotes.ts";
import { NVIDIA_DEVICES } from "./nvidia-devices.ts";
import { RA_TLS } from "./ra-tls.ts";
import { RECEIPTS } from "./receipts.ts";
import { RESULTS } from "./results.ts";
import type { RuleSet } from "./rule-set.ts";

export const RULE_SETS: Readonly<Record<string, RuleSet>> = {
  "intel-quotes": INTEL_QUOTES,
  "amd-sev-snp": AMD_SEV_SNP,
  "aws-nitro": AWS_NITRO,
  "nvidia-devices": NVIDIA_DEVICES,
  "azure-vtpm": AZURE_VTPM,
  dstack: DSTACK,
  "ra-tls": RA_TLS,
  receipts: RECEIPTS,
  results: RESULTS,
  documents: DOCUMENTS,
};

/** What no test covers, and what would. */
export const UNCOVERED: readonly (readonly [what: string, wouldCover: string])[] = [
  [
    "A quote whose PCK Intel has revoked, a report whose ASK AMD has: ours are minted",
    "a real one with the list of its day; none is public",
  ],
  [
    "AMD's own revocation lists",
    "a list of KDS beside a report; the collection has none, and the tests' lists are minted in their shape",
  ],
  [
    "Fourteen real SEV-SNP reports to the end",
    "their VCEKs, which their sources do not publish (docs/reference/vectors.md)",
  ],
  [
    "A genuine SEV-SNP report of version 4 or 5",
    "one that is published with its VCEK; version 4 is tested with minted reports",
  ],
  ["A genuine document of a NitroTPM", "one that is published; ours are minted by AWS's description"],
  [
    "Evidence of NVIDIA switches (NVSwitch) and of a node in protected PCIe mode",
    "a real node's evidence; shapes are minted after nvtrust",
  ],
  [
    "A genuine OCSP answer of NVIDIA's",
    "one beside evidence of its hour; ours are minted by RFC 6960 and as nvtrust reads them",
  ],
  [
    "A genuine quote with certification data 3 (an encrypted PPID in place of its PCK chain)",
    "one of a host without a PCCS, with the platform's PCK certificate; ours are minted. Types 1, 2 and 4 are in no use, and unsupported",
  ],
  ["P-384 attestation keys of Intel", "a quoting enclave that uses them; none is deployed"],
  [
    "That WebCrypto verifies what it says",
    "Wycheproof's vectors against each runtime; the runtimes run them",
  ],
  [
    "A PPID that Google's registry of hosts lists",
    "one beside the object of its name; the tests' objects are minted in the registry's shape",
  ],
];
