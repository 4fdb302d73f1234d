/** Rules of Intel SGX and TDX quotes. */

import type { RuleSet } from "./rule-set.ts";

const DCAP = "Intel SGX ECDSA QuoteLibReference DCAP API";
const QVL = "Intel SGX Data Center Attestation Primitives, QuoteVerification library";
const PCS = "Intel PCS API version 4";
const RFC5280 = "RFC 5280";

export const INTEL_QUOTES: RuleSet = {
  title: "Intel SGX and TDX quotes",
  prefix: "INTEL",
  files: [
    "intel/verify-quote.test.ts",
    "intel/tcb-status.test.ts",
    "intel/parse.test.ts",
    "intel/signed-regions.test.ts",
    "suites/teekit.test.ts",
  ],
  rules: [
    [
      "Quotes are of version 3 (SGX), 4 or 5 (SGX and TDX)",
      `${DCAP}, A.1 to A.3`,
      "a TDX quote of version 4",
      "of version 6",
    ],
    [
      "The body's type and size are those of the TEE",
      `${DCAP}, A.3.2`,
      "a TDX 1.5 body in version 5",
      "of version 5 with a body of another size",
    ],
    [
      "The attestation key is ECDSA P-256",
      `${DCAP}, A.1`,
      "an SGX quote of version 3",
      "with a P-384 attestation key",
    ],
    [
      "The quoting enclave's vendor is Intel",
      `${DCAP}, A.4`,
      "a TDX quote of version 4",
      "a quoting enclave of another vendor",
    ],
    [
      "Every length is within what is there, and every structure is filled exactly",
      `${DCAP}, A.3.8`,
      "is read with zeros after it, which say nothing",
      "cut off anywhere is refused, with one of two codes",
    ],
    [
      "Bytes after the quote are no part of it",
      `${DCAP}, A.3`,
      "a line end",
      "with signature data past its end",
    ],
    [
      "The attestation key signed header and body",
      `${DCAP}, A.4; ${QVL}, 4.1.2.4.16`,
      "an SGX quote of version 5",
      "another quote signature",
    ],
    [
      "The PCK signed the QE report",
      `${QVL}, 4.1.2.4.12`,
      "an SGX quote of version 4",
      "a QE report signed by another key",
    ],
    [
      "The QE report's data is the hash of attestation key and authentication data",
      `${QVL}, 4.1.2.4.14`,
      "a TDX 1.0 body in version 5",
      "an attestation key that the quoting enclave does not vouch for",
    ],
    [
      "The PCK chain ends at the pinned Intel SGX Root CA, in whatever order it comes",
      `${QVL}, 4.1.2.3`,
      "a chain in another order",
      "a PCK chain under a stranger's root, endorsed by genuine documents",
    ],
    [
      "A copy of an intermediate may come from the endorsements; without one there is no path",
      `${RFC5280}, 6.1`,
      "an intermediate missing, which the collateral holds",
      "a missing intermediate, nor in the collateral",
    ],
    [
      "Every certificate is in date at the time of judging",
      `${RFC5280}, 4.1.2.5`,
      "each date up to its last second",
      "an expired PCK",
    ],
    [
      "CAs are CAs, may sign certificates, and keep their path length",
      `${RFC5280}, 4.2.1.3 and 4.2.1.9`,
      "a chain of the leaf alone, as the endorsements hold the rest",
      "a CA without the CA flag",
    ],
    [
      "A critical extension that is not known is refused",
      `${RFC5280}, 4.2`,
      "a chain without the root",
      "an unknown critical extension of the PCK",
    ],
    [
      "The PCK and its CA are on no list of revoked ones",
      `${QVL}, 4.1.2.4.5`,
      "a list that revokes somebody else",
      "a revoked PCK",
    ],
    [
      "A list is signed by the issuer that it names, who may sign lists, and in date",
      `${RFC5280}, 5 and 6.3`,
      "the same serial number revoked by another issuer",
      "a CRL signed by another key",
    ],
    [
      "TCB info and QE identity are signed by Intel's TCB signer, and in date",
      `${PCS}, TCB info; ${QVL}, 4.1.2.4.8`,
      "a TDX quote of version 4",
      "documents signed by the PCK",
    ],
    [
      "TCB info is of the PCK's FMSPC and PCE",
      `${QVL}, 4.1.2.4.10`,
      "a TDX quote of version 4",
      "TCB info of another FMSPC",
    ],
    [
      "TCB info and QE identity are of the quote's TEE",
      `${QVL}, 4.1.2.4.9`,
      "an SGX quote of version 3",
      "the TCB info of SGX for a TDX quote",
    ],
    [
      "The QE is the one that the identity describes: MRSIGNER, product, MISCSELECT, attributes",
      `${QVL}, 4.1.2.4.15`,
      "a TDX quote of version 4",
      "another quoting enclave's signer",
    ],
    [
      "The TDX module is the one that TCB info lists",
      `${QVL}, 4.1.2.4.17`,
      "a TDX module with an identity of its own",
      "a TDX module that Intel does not list",
    ],
    [
      "The TCB level is the newest that no component is below",
      `${QVL}, 4.1.2.4.17.1`,
      "UpToDate whatever TDX SVNs 0 and 1 are to the levels, when the module's identity decides",
      "OutOfDate when one component alone is behind",
    ],
    [
      "The statuses of platform, module and QE converge to the worst",
      `${QVL}, 4.1.2.4.17.4`,
      "SWHardeningNeeded as it is",
      "OutOfDateConfigurationNeeded with an old quoting enclave",
    ],
    [
      "A revoked level proves nothing",
      `${PCS}, tcbStatus`,
      "SWHardeningNeeded as it is",
      "Revoked of a revoked level",
    ],
    [
      "A module updated under a running TD advises to relaunch it",
      `${QVL}, checkForRelaunch`,
      "when the module loaded now is the newest",
      "but not when the module loaded now is old",
    ],
    [
      "Every bit that Intel signed counts",
      "FIPS 186-5, 6.4",
      "a TDX quote of version 4",
      "any bit flipped in a quote is refused",
    ],
  ],
};
