/** Rules of dstack guests. */

import type { RuleSet } from "./rule-set.ts";

export const DSTACK: RuleSet = {
  title: "dstack guests",
  prefix: "DSTACK",
  files: [
    "dstack/verify-dstack-evidence.test.ts",
    "dstack/parse-dstack-evidence.test.ts",
    "dstack/other-hardware.test.ts",
  ],
  rules: [
    [
      "The event log replays to RTMR3 of the quote",
      "dstack, cc-eventlog",
      "events that leave their digest to be computed",
      "a log with an event too many",
    ],
    [
      "A runtime event's digest is that of its payload",
      "dstack, cc-eventlog, runtime_events.rs",
      "a guest that has not handed over, and extends no more than it must",
      "a payload that its digest does not cover",
    ],
    [
      "Digests of version 2 are read as such, and another version is not judged",
      "dstack#646",
      "that say so",
      "that say they are of version 3",
    ],
    [
      "An application is named before the guest hands over, and once",
      "dstack, dstack-attest",
      "a guest that has not handed over, and extends no more than it must",
      "a guest that says it twice",
    ],
    [
      "On SEV-SNP the application is what HOST_DATA commits to",
      "dstack-attest, v1.rs",
      "SEV-SNP names the application that HOST_DATA commits to",
      "another configuration",
    ],
    [
      "On a NitroTPM the application stands in PCR14",
      "dstack-attest, v1.rs",
      "an instance with a NitroTPM names the application in PCR14",
      "an event less",
    ],
    [
      "An attestation is read to its end, within bounds",
      "dstack#1207",
      "are read with lengths of one, two and four bytes",
      "that end before the report data",
    ],
    [
      "The quote is genuine by itself",
      "INTEL rules",
      "survive the way there and back",
      "a quote that is not Intel's own, where the root is the pinned one",
    ],
  ],
};
