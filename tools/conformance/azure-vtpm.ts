/** Rules of Azure confidential VMs (vTPM). */

import type { RuleSet } from "./rule-set.ts";

const TPM2 = "TCG TPM 2.0 Library, part 2";

export const AZURE_VTPM: RuleSet = {
  title: "Azure confidential VMs (vTPM)",
  prefix: "AZURE",
  files: ["azure/verify-azure-evidence.test.ts"],
  rules: [
    [
      "The HCL report is of version 1 or 2, its request of version 1",
      "Azure guest attestation, HCL report format",
      "and gives hardware's and vTPM's claims",
      "a request of version 255",
    ],
    [
      "The report's type is the hardware's",
      "Azure guest attestation, HCL report format",
      "accepts a VM on TDX",
      "a report of TDX around SEV-SNP",
    ],
    [
      "Report data is the hash of the runtime claims, and nothing more",
      "Azure guest attestation, runtime claims",
      "whose configuration says nothing",
      "report data that goes on after the hash",
    ],
    [
      "The claims hold the vTPM's attestation key, RSA, up to 4096 bits",
      "RFC 7517 and 7518, 6.3",
      "spells a key of 1024 bits with lengths of one byte",
      "a key that is not RSA",
    ],
    [
      "The attestation key signed the quote",
      `${TPM2}, 11.2.4`,
      "without qualifying data, which binds nothing",
      "a quote by another key",
    ],
    [
      "The structure is the TPM's own and a quote",
      `${TPM2}, 10.12.12`,
      "that quotes every PCR",
      "a structure that the TPM did not make",
    ],
    [
      "Every PCR that counts was quoted, in the bank of SHA-256",
      `${TPM2}, 10.6.3`,
      "that quotes none",
      "PCRs that were not quoted",
    ],
    [
      "The hardware's evidence is genuine by itself",
      "INTEL and SNP rules",
      "accepts a VM on TDX",
      "hardware that is not AMD's or Intel's own, where roots are the pinned ones",
    ],
  ],
};
