/** Rules of AWS Nitro Enclaves and NitroTPM documents. */

import type { RuleSet } from "./rule-set.ts";

const NSM = "AWS Nitro Enclaves NSM API, attestation_process.md";

export const AWS_NITRO: RuleSet = {
  title: "AWS Nitro Enclaves and NitroTPM documents",
  prefix: "NITRO",
  files: ["aws/verify-nitro-document.test.ts", "aws/nitro-tpm.test.ts", "suites/nitro-validator.test.ts"],
  rules: [
    [
      "A document is a COSE_Sign1 of four parts, tagged or not",
      "RFC 9052, 4.2",
      "a document under COSE's tag",
      "an array of three",
    ],
    [
      "The algorithm is ES384 and stands in the protected header alone",
      `${NSM}, 3.1`,
      "a document at its own time",
      "another algorithm",
    ],
    [
      "Nothing stands in the unprotected header",
      "RFC 9052, 3: nothing signs it",
      "a document at its own time",
      "an unprotected header, which nothing signs",
    ],
    [
      "Mandatory fields are there and within their bounds",
      `${NSM}, 3.2.2`,
      "the shortest and the longest optional fields",
      "no module id",
    ],
    [
      "Optional fields may be absent, and are within their bounds",
      `${NSM}, 2.2.1`,
      "a document without optional fields",
      "a public key beyond 1024 bytes",
    ],
    [
      "Fields that are not known are passed over",
      `${NSM}, 2.2.1: AWS may add some`,
      "a field that AWS may add",
      "an unknown key twice",
    ],
    [
      "No key stands twice in a map",
      "RFC 8949, 5.6",
      "a map of indefinite length, keys in another order",
      "an unknown key twice",
    ],
    [
      "Indefinite lengths are read where they end",
      "RFC 8949, 3.2",
      "everything of indefinite length",
      "a map of indefinite length that never ends",
    ],
    [
      "PCRs are numbered 0 to 31, of a digest's length",
      `${NSM}, 3.2.2.2`,
      "PCRs of SHA-256 and SHA-512 length",
      "a PCR beyond the last",
    ],
    [
      "The chain ends at the pinned AWS Nitro root",
      `${NSM}, 3.2.3`,
      "a document at its own time",
      "every chain but AWS's own, where the root is the pinned one",
    ],
    [
      "The chain is judged at the document's own time",
      `${NSM}, 3.2.3.3`,
      "a document years later, by its own time",
      "a document older than its certificate",
    ],
    [
      "CAs are CAs, may sign certificates, and keep their path length",
      `${NSM}, 3.2.3.3`,
      "a document at its own time",
      "a region that allows no zone below it",
    ],
    [
      "The certificate's key signed the document",
      `${NSM}, 3.2.1`,
      "a document at its own time",
      "a signature by the instance in the enclave's place",
    ],
    [
      "A document from the future is not judged",
      "RFC 9334, 10",
      "a document five minutes ahead of the caller's clock",
      "a document from the future",
    ],
    [
      "A NitroTPM's document is a kind of its own",
      "Amazon EC2 User Guide, NitroTPM attestation document",
      "is a kind of its own, and says that the host can read the memory",
      "with an enclave's PCRs beside its own is malformed",
    ],
    [
      "Every bit that AWS signed counts",
      "FIPS 186-5, 6.4",
      "a document at its own time",
      "a document one bit away from a genuine one, whichever bit it is",
    ],
  ],
};
