/** NIST's Public Key Interoperability Test Suite, the cases on revocation, and another test CA's. */

import { expect } from "vitest";
import { parseCertificate, type Certificate } from "../../../attestation/x509/certificate.ts";
import { parseCrl, type Crl } from "../../../attestation/x509/crl.ts";
import { verifyPath } from "../../../attestation/x509/path.ts";
import { parseCertificates, parseCrls } from "../../../attestation/x509/pem-or-der.ts";
import { codeOf } from "../../support/code-of.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { readVectorFile, type VectorEntry, type VectorRunner } from "../../support/vectors/manifest.ts";

const FOLDER = "negative/revocation";
const certificate = (name: string): Certificate =>
  parseCertificate(readVectorFile(`${FOLDER}/pkits_${name}.crt`));
const crl = (name: string): Crl => parseCrl(readVectorFile(`${FOLDER}/pkits_${name}.crl`));

/** 2020-06-15: inside the dates of the suite's certificates and lists (2010 to 2030). */
const NOW = 1_592_179_200;

interface Case {
  readonly leaf: string;
  readonly pool: readonly string[];
  readonly crls: readonly string[];
  readonly code: string;
}

/** PKITS §4.4: test 1, 2, 3, and a list whose signature is bad. */
const CASES: readonly Case[] = [
  {
    leaf: "InvalidMissingCRLTest1EE",
    pool: ["NoCRLCACert"],
    crls: ["TrustAnchorRootCRL"],
    code: "ENDORSEMENT_UNAVAILABLE",
  },
  {
    leaf: "InvalidRevokedCATest2EE",
    pool: ["RevokedsubCACert", "GoodCACert"],
    crls: ["TrustAnchorRootCRL", "GoodCACRL", "RevokedsubCACRL"],
    code: "EVIDENCE_CA_REVOKED",
  },
  {
    leaf: "InvalidRevokedEETest3EE",
    pool: ["GoodCACert"],
    crls: ["TrustAnchorRootCRL", "GoodCACRL"],
    code: "EVIDENCE_REVOKED",
  },
];

/** The suite's certificates mark their policies critical; here only revocation is judged. */
const understoodExtensions = new Set(["2.5.29.32", "2.5.29.36"]);

export const revocationRunner: VectorRunner = {
  kinds: ["revocation"],
  run: async (entry) => {
    if (entry.file.includes("prem_")) await judgeTestCa();
    else if (entry.file.includes("BadCRLSignature")) judgeBadSignature(entry);
    else for (const item of CASES) expect(await rejectionOf(() => judge(item))).toBe(item.code);
  },
};

async function judge({ leaf, pool, crls }: Case): Promise<void> {
  const root = certificate("TrustAnchorRootCertificate");
  await verifyPath(certificate(leaf), {
    pool: [...pool.map(certificate), root],
    roots: [{ name: "Trust Anchor", publicKey: root.publicKey }],
    now: NOW,
    revocation: { crls: crls.map(crl) },
    understoodExtensions,
  });
}

/** PKITS §4.4.4: the first byte of the signature's BIT STRING is what was changed. */
function judgeBadSignature(entry: VectorEntry): void {
  expect(codeOf(() => parseCrl(readVectorFile(entry.file)))).toBe("EVIDENCE_MALFORMED");
}

async function judgeTestCa(): Promise<void> {
  const [root] = parseCertificates(readVectorFile(`${FOLDER}/prem_ca_cert.pem`));
  const [leaf] = parseCertificates(readVectorFile(`${FOLDER}/prem_revoked_cert.pem`));
  const crls = parseCrls(readVectorFile(`${FOLDER}/prem_ca_crl.pem`));
  if (root === undefined || leaf === undefined) throw new Error("the test CA's certificates are missing");
  const now = Math.max(leaf.notBefore, ...crls.map(({ thisUpdate }) => thisUpdate)) + 1;
  const options = {
    pool: [root],
    roots: [{ name: "test CA", publicKey: root.publicKey }],
    now,
    revocation: { crls },
  };
  expect(await rejectionOf(() => verifyPath(leaf, options))).toBe("EVIDENCE_REVOKED");
}
