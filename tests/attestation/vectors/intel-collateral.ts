/** Documents and chains that Open Enclave and others keep to be refused, beside a few that parse. */

import { expect } from "vitest";
import { parseQeIdentity } from "../../../attestation/intel/qe-identity.ts";
import { splitSignedResponse } from "../../../attestation/intel/signed-json.ts";
import { parseTcbInfo } from "../../../attestation/intel/tcb-info.ts";
import { INTEL_TRUST } from "../../../attestation/intel/trust.ts";
import { parseQuote } from "../../../attestation/intel/quote.ts";
import { parseCertificate } from "../../../attestation/x509/certificate.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { fromBase64, splitPem } from "../../../attestation/x509/pem.ts";
import { fromUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { readVector, type VectorEntry, type VectorRunner } from "../../support/vectors/manifest.ts";

/** Listed as "parses" or as invalid, and judged otherwise here: docs/reference/vectors.md, "Where we differ". */
const DIFFERENT: Readonly<Record<string, string>> = {
  "data_v2_qve_identity_ok.json": "ENDORSEMENT_MALFORMED",
  "data_v2_tcbInfo.json": "ENDORSEMENT_MALFORMED",
  "data_v2_tcbInfoAdvisoryIds.json": "ENDORSEMENT_MALFORMED",
  "data_v2_tcbInfoNegativeSignature.json": "ENDORSEMENT_MALFORMED",
};

export const intelCollateralRunner: VectorRunner = {
  kinds: ["collateral-json", "mock-pki", "parser"],
  run: async (entry) => {
    const name = entry.file.split("/").at(-1) ?? "";
    if (name === "tcb_signing_chain_bad.pem") await refuseChain(entry);
    else if (name.endsWith(".json")) judgeDocument(entry, name);
    else if (entry.kind === "mock-pki") await refuseMockRoot(entry);
    else judgePadding(entry);
  },
};

function judgeDocument(entry: VectorEntry, name: string): void {
  const expected =
    DIFFERENT[name] ?? (entry.expected.startsWith("INVALID") ? "ENDORSEMENT_MALFORMED" : "nothing thrown");
  const code = codeOf(() => {
    const text = fromUtf8(readVector(entry));
    if (name.includes("identity")) parseQeIdentity(splitSignedResponse("enclaveIdentity", text).text);
    else parseTcbInfo(splitSignedResponse("tcbInfo", text).text);
  });
  expect(code).toBe(expected);
}

/** Two CA certificates, and none that may sign a document. */
async function refuseChain(entry: VectorEntry): Promise<void> {
  const code = await rejectionOf(async () => {
    const certificates = splitPem(fromUtf8(readVector(entry)), "CERTIFICATE").map((body) =>
      parseCertificate(fromBase64(body)),
    );
    const leaf = certificates.find(({ basicConstraints }) => !basicConstraints.isCa) ?? certificates[0];
    if (leaf === undefined) throw new Error("the chain is empty");
    const revocation = { notPublished: "the chain alone is at fault" };
    await verifyPath(leaf, {
      pool: certificates,
      roots: [INTEL_TRUST.anchor],
      now: leaf.notBefore + 1,
      revocation,
    });
  });
  expect(code).toBe("EVIDENCE_CHAIN_KEY_USAGE");
}

/** A published test root in Intel's shape: no chain of it reaches Intel's key. */
async function refuseMockRoot(entry: VectorEntry): Promise<void> {
  const bytes = readVector(entry);
  if (entry.file.endsWith("key.pem")) return;
  const text = new TextDecoder("latin1").decode(bytes).replace(/^ +/gm, "");
  const bodies = entry.file.endsWith(".der") ? [] : splitPem(text, "CERTIFICATE");
  const certificates =
    bodies.length === 0
      ? [parseCertificate(bytes)]
      : bodies.map((body) => parseCertificate(fromBase64(body)));
  for (const leaf of certificates) {
    const revocation = { notPublished: "the root alone is at fault" };
    const options = { pool: certificates, roots: [INTEL_TRUST.anchor], now: leaf.notBefore + 1, revocation };
    expect(await rejectionOf(() => verifyPath(leaf, options))).toBe("EVIDENCE_CHAIN_UNTRUSTED");
  }
}

/** Zero padding is no news, and other bytes after the quote are counted; a bundle of another format is no quote. */
function judgePadding(entry: VectorEntry): void {
  const bytes = readVector(entry);
  if (entry.file.endsWith(".cbor")) {
    expect(codeOf(() => parseQuote(bytes))).toBe("EVIDENCE_UNSUPPORTED");
    return;
  }
  expect(parseQuote(bytes).bytesAfter).toBe(0);
  bytes[bytes.length - 1] = 1;
  expect(parseQuote(bytes).bytesAfter).toBeGreaterThan(0);
}
