/** Rules of Certificates that carry evidence (RA-TLS). */

import type { RuleSet } from "./rule-set.ts";

export const RA_TLS: RuleSet = {
  title: "Certificates that carry evidence (RA-TLS)",
  prefix: "RATLS",
  files: ["ra-tls/verify-ra-tls.test.ts"],
  rules: [
    [
      "Report data is the hash of the certificate's key, by the form's hash",
      "CCC Interoperable RA-TLS, 4",
      "SHA-384",
      "refuses a certificate",
    ],
    [
      "Evidence stands in the CCC's, Gramine's or dstack's extension",
      "CCC Interoperable RA-TLS, 3",
      "of dstack's form, with and without an event log",
      "refuses a certificate",
    ],
    [
      "Who issued the certificate is the caller's to judge",
      "CCC Interoperable RA-TLS, 5",
      "whose issuer is another, which is the caller's to judge",
      "at a time in milliseconds",
    ],
    [
      "Endorsements beside the evidence are read where the caller has none",
      "CCC Interoperable RA-TLS, 3.2",
      "are not asked for when the caller has some",
      "of another number of members",
    ],
  ],
};
