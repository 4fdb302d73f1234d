/** Rules of Results that others signed. */

import type { RuleSet } from "./rule-set.ts";

export const RESULTS: RuleSet = {
  title: "Results that others signed",
  prefix: "RESULT",
  files: ["results/verify-result.test.ts"],
  rules: [
    [
      "A result is the word of an issuer whom the policy names",
      "RFC 9334, 8.4",
      "is the word of the one who signed it, and what it must say is compared",
      "of somebody whom nobody named",
    ],
    [
      "It is signed with the issuer's key, by an algorithm of public keys",
      "RFC 7515, 5.2; RFC 8725, 3.1",
      "signed under a root that the policy names, by a chain in the token",
      "with no algorithm, or one of shared secrets, is not judged",
    ],
    ["It is in date", "RFC 7519, 4.1.4 to 4.1.6", "of a token in JSON, and of an EAR", "that has expired"],
    [
      "A critical header that is not known is refused",
      "RFC 7515, 4.1.11",
      "is the word of the one who signed it, and what it must say is compared",
      "whose critical header is not known",
    ],
  ],
};
