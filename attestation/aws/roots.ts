/**
 * The root of AWS Nitro Enclaves, G1, pinned by key.
 *
 * Source: https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip; the certificate's SHA-256 is
 * 641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b, as AWS publishes it.
 */

import { createTrustAnchor, type TrustAnchor } from "../x509/trust-anchor.ts";

const G1_SPKI = `0x${[
  "3076301006072a8648ce3d020106052b8104002203620004fc0254eba608c1f36870e29ada90be46383292736e894bff",
  "f672d989444b5051e534a4b1f6dbe3c0bc581a32b7b176070ede12d69a3fea211b66e752cf7dd1dd095f6f1370f41708",
  "43d9dc100121e4cf63012809664487c9796284304dc53ff4",
].join("")}` as const;

export const AWS_NITRO_ROOTS: readonly TrustAnchor[] = [createTrustAnchor("aws.nitro-enclaves G1", G1_SPKI)];
