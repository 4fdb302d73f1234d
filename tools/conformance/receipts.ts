/** Rules of Receipts of Adyton. */

import type { RuleSet } from "./rule-set.ts";

export const RECEIPTS: RuleSet = {
  title: "Receipts of Adyton",
  prefix: "RECEIPT",
  files: [
    "receipt/verify-receipt.test.ts",
    "receipt/steps.test.ts",
    "receipt/cose-receipt.test.ts",
    "receipt/receipt-log.test.ts",
  ],
  rules: [
    [
      "The file is canonical JSON",
      "RFC 8785; docs/reference/protocol.md, Receipt",
      "verifies, and lists what was compared",
      "a field given twice",
    ],
    [
      "Every field is bound to the signature",
      "docs/reference/protocol.md, Answer",
      "verifies, and lists what was compared",
      "is refused when any of its fields changes, by the step that the field belongs to",
    ],
    [
      "An answer is of one chain, coordinator and request",
      "docs/reference/protocol.md, Domain",
      "verifies, and lists what was compared",
      "refuses the answer of one chain or coordinator as that of another",
    ],
    [
      "The transcript begins with the request and ends with the output",
      "docs/reference/protocol.md, Transcript",
      "begins with the request and ends with the output, each once",
      "has a request before each response, unless events are withheld",
    ],
    [
      "The evidence is genuine at the answer's time, and bound to the keyset",
      "docs/reference/protocol.md, Keyset",
      "verifies with events and bodies withheld, and says how many",
      "refuses evidence that is not genuine, though the answer's signature covers it",
    ],
    [
      "A twin in COSE states what the receipt states",
      "RFC 9052; RFC 9711; docs/reference/protocol.md, Receipt twin",
      "verifies, and states what the receipt states",
      "a claim more",
    ],
    [
      "A checkpoint is a signed note of the keyset's log key",
      "C2SP signed-note and tlog-checkpoint",
      "may have signatures of witnesses below",
      "another key under the log's name",
    ],
    [
      "Inclusion and consistency are those of the tree",
      "RFC 6962, 2.1",
      "shows the receipt's statement at its place, for who has the receipt",
      "catches a fork: the same key, signing a log in which one statement was exchanged",
    ],
  ],
};
