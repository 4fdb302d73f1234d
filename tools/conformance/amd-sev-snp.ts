/** Rules of AMD SEV-SNP reports. */

import type { RuleSet } from "./rule-set.ts";

const RFC5280 = "RFC 5280";
const ABI = "AMD 56860 (SEV-SNP firmware ABI)";
const KDS = "AMD 57230 (VCEK certificate and KDS interface)";

export const AMD_SEV_SNP: RuleSet = {
  title: "AMD SEV-SNP reports",
  prefix: "SNP",
  files: ["amd/verify-snp-report.test.ts", "amd/snp-evidence.test.ts", "amd/report-fields.test.ts"],
  rules: [
    [
      "Reports are of version 2 to 5, 1184 bytes long",
      `${ABI}, table 22`,
      "a report of version 4, which has the layout of version 3",
      "of version 6",
    ],
    [
      "The signature is ECDSA P-384 with SHA-384, its padding zero",
      `${ABI}, 10.2.2 and table 107`,
      "a Genoa report",
      "with a byte in the padding of r",
    ],
    [
      "The certificate is of the chip that reports",
      `${KDS}, 3.1, hwID`,
      "the right VCEK among those of other chips",
      "a report of another chip",
    ],
    [
      "The certificate is of the reported TCB, every component",
      `${KDS}, 3.1`,
      "a Turin report, with FMC and the short hardware identifier",
      "a report that claims another TCB",
    ],
    [
      "The certificate is of the report's product",
      `${KDS}, 3.1, productName`,
      "a Bergamo chip under Genoa's root",
      "a CPUID of another product",
    ],
    [
      "A VLEK's report needs a VLEK, a VCEK's a VCEK",
      `${ABI}, table 22, SIGNING_KEY`,
      "a report by a cloud provider's VLEK",
      "a VLEK's report with a VCEK's certificate",
    ],
    [
      "The chain ends at the product's ARK, which is pinned by key",
      `${KDS}, 2`,
      "a chain without the root's own certificate",
      "a VCEK that someone else's CA signed in AMD's name",
    ],
    [
      "One product's ARK vouches for no other",
      `${KDS}, 2`,
      "a Milan report by its VCEK",
      "a Milan chain under Genoa's root: one product's key vouches for no other",
    ],
    ["Every certificate is in date", `${RFC5280}, 4.1.2.5`, "both dates' last second", "an expired VCEK"],
    [
      "The ASK is on no list that the ARK signed",
      `${KDS}, 4.3, crl`,
      "a report whose ASK is on no list",
      "a revoked ASK",
    ],
    [
      "A list is authentic and in date",
      `${RFC5280}, 5`,
      "a list, in a chain without the root's own certificate",
      "a revocation list that the ARK did not sign",
    ],
    [
      "A certificate table names each kind once and ends",
      "AMD 56421 (GHCB), 4.1.8.1",
      "gives its contents by kind, and passes over a host's own",
      "with one kind twice",
    ],
    [
      "A masked chip identity names no platform",
      `${ABI}, MaskChipId`,
      "a chip that the host masks",
      "a masked chip, which no policy can list",
    ],
    [
      "Every bit that AMD signed counts",
      "FIPS 186-5, 6.4",
      "a Milan report by its VCEK",
      "from a genuine report is refused, whichever bit it is",
    ],
  ],
};
