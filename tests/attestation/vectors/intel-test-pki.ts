/** Intel's own sample quotes: genuine under the root in their folder, and under no other. */

import { expect } from "vitest";
import {
  parseIntelEndorsements,
  verifyIntelEndorsements,
  type IntelEndorsements,
} from "../../../attestation/intel/intel-endorsements.ts";
import { parsePckExtension } from "../../../attestation/intel/pck-certificate.ts";
import { splitSignedResponse } from "../../../attestation/intel/signed-json.ts";
import { INTEL_TRUST } from "../../../attestation/intel/trust.ts";
import { parseCertificate, type Certificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl } from "../../../attestation/x509/crl.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { fromBase64, splitPem } from "../../../attestation/x509/pem.ts";
import type { TrustAnchor } from "../../../attestation/x509/trust-anchor.ts";
import { verifyEvidence } from "../../../attestation/evidence/verify-evidence.ts";
import { toHex } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import {
  readVector,
  readVectorFile,
  readVectorText,
  type VectorRunner,
} from "../../support/vectors/manifest.ts";

interface TestPki {
  readonly anchor: TrustAnchor;
  readonly endorsements: IntelEndorsements;
  readonly pck: Certificate;
  readonly pool: readonly Certificate[];
  readonly now: number;
}

function readPki(folder: string): TestPki {
  const text = (name: string): string => readVectorText(`${folder}/${name}`);
  const bareHex = (name: string): string => toHex(readVectorFile(`${folder}/${name}`)).slice(2);
  const certificates = (name: string): readonly Certificate[] =>
    splitPem(text(name), "CERTIFICATE").map((body) => parseCertificate(fromBase64(body)));
  const tcbInfo = splitSignedResponse("tcbInfo", text("tcbInfo.json"));
  const qeIdentity = splitSignedResponse("enclaveIdentity", text("qeIdentity.json"));
  const [root] = certificates("trustedRootCaCert.pem");
  const [pck] = certificates("pckCert.pem");
  if (root === undefined || pck === undefined)
    throw new Error(`${folder} lacks its root or its PCK certificate`);
  const endorsements = parseIntelEndorsements({
    pck_crl_issuer_chain: text("pckSignChain.pem"),
    root_ca_crl: bareHex("rootCaCrl.der"),
    pck_crl: bareHex("intermediateCaCrl.der"),
    tcb_info_issuer_chain: text("tcbSignChain.pem"),
    tcb_info: tcbInfo.text,
    tcb_info_signature: tcbInfo.signature,
    qe_identity_issuer_chain: text("tcbSignChain.pem"),
    qe_identity: qeIdentity.text,
    qe_identity_signature: qeIdentity.signature,
  });
  return {
    anchor: { name: "test root", publicKey: root.publicKey },
    endorsements,
    pck,
    pool: [...certificates("pckSignChain.pem"), root],
    now:
      Math.max(endorsements.tcbInfo.issueDate, ...endorsements.crls.map(({ thisUpdate }) => thisUpdate)) + 1,
  };
}

export const intelTestPkiRunner: VectorRunner = {
  kinds: ["intel-testpki"],
  run: async (entry) => {
    const folder = entry.file.slice(0, entry.file.lastIndexOf("/"));
    const bytes = readVector(entry);
    if (folder.endsWith("tdx")) {
      // Its TCB info holds SVNs like 65473, which one byte cannot be: docs/reference/vectors.md, "Where we differ".
      expect(codeOf(() => readPki(folder))).toBe("ENDORSEMENT_MALFORMED");
      return;
    }
    const { anchor, endorsements, pck, pool, now } = readPki(folder);
    await verifyIntelEndorsements(endorsements, anchor, now);
    await verifyPath(pck, { pool, roots: [anchor], now, revocation: { crls: parseLists(folder) } });
    expect(parsePckExtension(pck).fmspc).toBe(endorsements.tcbInfo.fmspc);
    expect(await rejectionOf(() => verifyIntelEndorsements(endorsements, INTEL_TRUST.anchor, now))).toBe(
      "ENDORSEMENT_CHAIN_INVALID",
    );
    if (!entry.file.endsWith("quote.dat")) return;
    const code = await rejectionOf(() => verifyEvidence(bytes, { intel: endorsements }, { now }));
    expect(["EVIDENCE_UNSUPPORTED", "EVIDENCE_MALFORMED"]).toContain(code);
  },
};

function parseLists(folder: string) {
  return ["rootCaCrl.der", "intermediateCaCrl.der"].map((name) =>
    parseCrl(readVectorFile(`${folder}/${name}`)),
  );
}
