/** Rules of Documents that hold evidence. */

import type { RuleSet } from "./rule-set.ts";

export const DOCUMENTS: RuleSet = {
  title: "Documents that hold evidence",
  prefix: "DOC",
  files: [
    "evidence/find-evidence.test.ts",
    "evidence/json-evidence.test.ts",
    "evidence/verify-evidence.test.ts",
    "encoding/gzip.test.ts",
  ],
  rules: [
    [
      "Every piece of a document is judged",
      "confidential-containers/guest-components#991",
      "finds every piece: certificates that carry evidence are some, others are none",
      "gives up after so many members, and takes no longer for them",
    ],
    [
      "JSON that names a member twice is refused",
      "RFC 7493, 2.3",
      "reads JSON text, brackets in its strings included",
      "a byte order mark before it means nothing, and a member named twice is refused",
    ],
    ["What is compressed is unpacked within bounds", "RFC 1952", "in gzip is unpacked", "one bomb"],
    [
      "A kind is recognised by its own marks",
      "docs/reference/cli-verify.md, Evidence",
      "takes evidence as it is",
      "bytes that are no text and no evidence are not recognised",
    ],
    [
      "A result that somebody else signed is no evidence",
      "RFC 9334, 8.1 and 8.4",
      "takes evidence as it is",
      "a result that somebody else signed is no evidence",
    ],
  ],
};
