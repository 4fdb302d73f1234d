/** Revocation of NVIDIA's devices, by OCSP answers (RFC 6960) and lists that were given. */

import { beforeAll, describe, expect, test } from "vitest";
import {
  parseEndorsements,
  encodeEndorsements,
} from "../../../attestation/endorsements/endorsements-json.ts";
import { createSourceOfFiles } from "../../../attestation/endorsements/files/source-of-files.ts";
import { checksOf } from "../../../attestation/evidence/check-list.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import {
  parseNvidiaEndorsements,
  type NvidiaEndorsementFiles,
} from "../../../attestation/nvidia/nvidia-endorsements.ts";
import { verifyNvidiaEvidenceUnder } from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { der } from "../../../devnet/issuance/der.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import type { AdytonError } from "../../../protocol/errors.ts";
import { codeOf } from "../../support/code-of.ts";
import { flipBits, NOT_RELIED_ON } from "../../support/bits/flip-bits.ts";
import {
  mintNvidiaWorld,
  NVIDIA_NOW,
  nvidiaKeys,
  SUBJECTS,
  toEvidenceJson,
  type NvidiaWorld,
} from "../../support/fake-nvidia.ts";
import { mintOcsp, OCSP_SIGNING, revoked, UNKNOWN, type OcspPlan } from "../../support/fake-ocsp.ts";
import { KEY_USAGE, mintCrl } from "../../support/fake-x509.ts";
import { rejectionOf } from "../../support/rejection-of.ts";

const DAY = 86_400;
let world: NvidiaWorld;

beforeAll(async () => {
  const { digitalSignature, keyCertSign, cRLSign } = KEY_USAGE;
  world = await mintNvidiaWorld({
    certificates: { root: { keyUsage: digitalSignature | keyCertSign | cRLSign } },
  });
});

async function verify(files: Partial<NvidiaEndorsementFiles>): Promise<VerifiedEvidence<"nvidia">> {
  const endorsements = parseNvidiaEndorsements({ ocsp: [], crls: [], ...files });
  return await verifyNvidiaEvidenceUnder(world.roots, [world.device], { now: NVIDIA_NOW, endorsements });
}

const answered = async (plan: Partial<OcspPlan>): Promise<VerifiedEvidence<"nvidia">> =>
  await verify({ ocsp: [await mintOcsp(world, plan)] });

const byRoot = { about: ["identity"], responder: null, signer: "root" } as const;
const delegated = (by: "root" | "stranger" | "provisioner" | "identity", purposes: readonly string[]) =>
  ({ about: ["provisioner"], responder: { by, purposes } }) as const;
const rootList = async (revokedSerials: readonly number[]): Promise<Uint8Array> => {
  const issuer = { subject: SUBJECTS.root, key: (await nvidiaKeys()).root };
  return await mintCrl({
    issuer,
    thisUpdate: NVIDIA_NOW - DAY,
    nextUpdate: NVIDIA_NOW + DAY,
    revoked: revokedSerials,
  });
};

describe("accepts", () => {
  test.for<readonly [string, Partial<OcspPlan>, string]>([
    ["an answer about every certificate that NVIDIA issued", {}, "checked"],
    ["an answer about some of them", { about: ["identity"] }, "partly-checked"],
    ["an answer that the issuer signed itself", byRoot, "partly-checked"],
    ["an answer by a responder of the issuer", delegated("identity", [OCSP_SIGNING]), "partly-checked"],
    [
      "an answer by a responder of a CA above the issuer",
      delegated("root", [OCSP_SIGNING]),
      "partly-checked",
    ],
    ["certificates named by SHA-1", { hash: "SHA-1" }, "checked"],
    ["certificates named by SHA-256", { hash: "SHA-256" }, "checked"],
    ["an answer without an end, for a day", { nextUpdate: null }, "checked"],
  ])("%s", async ([name, plan, revocation]) => {
    expect((await answered(plan)).claims.revocation, name).toBe(revocation);
  });

  test("no endorsement at all, and says that revocation was not checked", async () => {
    expect((await verify({})).claims.revocation).toBe("not-checked");
  });

  test("an answer about somebody else's certificates, which changes nothing", async () => {
    const other = await mintNvidiaWorld({ serial: 9 });
    const about = await mintOcsp(other, { about: ["firmware"] });
    expect((await verify({ ocsp: [about] })).claims.revocation).toBe("not-checked");
  });

  test("a list beside answers", async () => {
    const ocsp = [await mintOcsp(world, { about: ["provisioner", "bootRom"] })];
    expect((await verify({ ocsp, crls: [await rootList([])] })).claims.revocation).toBe("checked");
  });

  test("and holds only while the answers are in date", async () => {
    const { window } = await answered({});
    expect(window).toEqual({ from: NVIDIA_NOW - 3_600, until: NVIDIA_NOW + 3_600 });
  });
});

describe("refuses", () => {
  test.for<readonly [string, Partial<OcspPlan>, string]>([
    [
      "a certificate that an answer calls revoked",
      { about: ["bootRom"], status: revoked(NVIDIA_NOW - 5) },
      "EVIDENCE_CA_REVOKED",
    ],
    [
      "a leaf that an answer calls revoked",
      { about: ["firmware"], status: revoked(NVIDIA_NOW) },
      "EVIDENCE_REVOKED",
    ],
    [
      "a revocation in an answer that is out of date",
      { status: revoked(NVIDIA_NOW - 2 * DAY), thisUpdate: NVIDIA_NOW - DAY, nextUpdate: NVIDIA_NOW - 60 },
      "EVIDENCE_CA_REVOKED",
    ],
    [
      "an answer about a certificate that its responder does not know",
      { status: UNKNOWN },
      "ENDORSEMENT_UNAVAILABLE",
    ],
    // Not good, and not yet revoked: nobody vouches for it.
    ["a certificate that is to be revoked", { status: revoked(NVIDIA_NOW + DAY) }, "ENDORSEMENT_UNAVAILABLE"],
    ["an answer that is out of date", { nextUpdate: NVIDIA_NOW - 1 }, "ENDORSEMENT_EXPIRED"],
    [
      "an answer without an end after a day",
      { nextUpdate: null, thisUpdate: NVIDIA_NOW - DAY - 1 },
      "ENDORSEMENT_EXPIRED",
    ],
    ["an answer from later", { thisUpdate: NVIDIA_NOW + 1 }, "ENDORSEMENT_NOT_YET_VALID"],
    ["an answer that a stranger signed", { ...byRoot, signer: "stranger" }, "ENDORSEMENT_SIGNATURE_INVALID"],
    ["a responder of a stranger", delegated("stranger", [OCSP_SIGNING]), "ENDORSEMENT_SIGNATURE_INVALID"],
    [
      "a responder of the very certificate that is asked about",
      delegated("provisioner", [OCSP_SIGNING]),
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    [
      "a responder that was certified for something else",
      delegated("root", ["1.3.6.1.5.5.7.3.1"]),
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    [
      "a responder whose certificate does not say for what",
      delegated("root", []),
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    [
      "a responder whose certificate has run out",
      { responder: { by: "root", purposes: [OCSP_SIGNING], dates: [NVIDIA_NOW - DAY, NVIDIA_NOW - 1] } },
      "ENDORSEMENT_SIGNATURE_INVALID",
    ],
    ["an answer of a responder that refused", { responseStatus: 6 }, "ENDORSEMENT_MALFORMED"],
    ["an answer of another type", { type: "1.3.6.1.5.5.7.48.1.9" }, "ENDORSEMENT_MALFORMED"],
    [
      "an answer with a critical extension that is not known",
      {
        extensions: [
          der.sequence(der.oid("1.2.3.4"), der.boolean(true), der.octetString(Uint8Array.of(5, 0))),
        ],
      },
      "ENDORSEMENT_MALFORMED",
    ],
    [
      "a status of no known kind",
      { status: der.contextPrimitive(5, new Uint8Array()) },
      "ENDORSEMENT_MALFORMED",
    ],
    [
      "a good that says more than good",
      { status: der.contextPrimitive(0, Uint8Array.of(1)) },
      "ENDORSEMENT_MALFORMED",
    ],
    ["a revocation without a time", { status: der.context(1, der.enumerated(1)) }, "ENDORSEMENT_MALFORMED"],
  ])("%s", async ([, plan, code]) => {
    expect(await rejectionOf(async () => await answered(plan))).toBe(code);
  });

  test("a good answer beside one that says revoked", async () => {
    const ocsp = [await mintOcsp(world), await mintOcsp(world, { status: revoked(NVIDIA_NOW - 1) })];
    expect(await rejectionOf(async () => await verify({ ocsp }))).toBe("EVIDENCE_CA_REVOKED");
  });

  test("a certificate that a list revokes", async () => {
    expect(await rejectionOf(async () => await verify({ crls: [await rootList([2])] }))).toBe(
      "EVIDENCE_CA_REVOKED",
    );
  });

  test("and still makes every other check", async () => {
    const error = await answered({ status: revoked(NVIDIA_NOW - 5) }).catch((thrown: unknown) => thrown);
    const checks = checksOf(error as AdytonError).map(({ name, ok }) => [name, ok]);
    expect(checks).toContainEqual(["measurement signature", true]);
    expect(checks).toContainEqual(["certificates not revoked", false]);
  });

  test("an answer one bit away from a genuine one, or does not rely on it", async () => {
    const { accepted, codes } = await flipBits(await mintOcsp(world, byRoot), async (changed) => {
      const { revocation } = (await verify({ ocsp: [changed] })).claims;
      return revocation === "not-checked" ? NOT_RELIED_ON : revocation;
    });
    expect(accepted).toEqual([]);
    expect(codes.filter((code) => !code.startsWith("ENDORSEMENT_"))).toEqual([NOT_RELIED_ON]);
  });
});

describe("a policy", () => {
  test("that requires revocation refuses evidence of which it was not checked", async () => {
    const checked = await answered({});
    const policy = parseAppraisalPolicy(proposePolicy(checked));
    expect(policy.nvidia).toMatchObject({ revocation: "require" });
    appraiseEvidence(checked, policy, { now: NVIDIA_NOW });
    for (const evidence of [await verify({}), await answered({ about: ["identity"] })]) {
      expect(codeOf(() => appraiseEvidence(evidence, policy, { now: NVIDIA_NOW }))).toBe(
        "APPRAISAL_ATTRIBUTE_UNACCEPTABLE",
      );
    }
  });

  test("of version 2 says nothing of revocation, and leaves it open", async () => {
    const unchecked = await verify({});
    const { nvidia, ...rest } = proposePolicy(unchecked) as unknown as Record<
      string,
      Record<string, unknown>
    >;
    const { revocation, ...rules } = nvidia!;
    expect(revocation).toBe("acceptUnchecked");
    const old = parseAppraisalPolicy({ ...rest, version: 2, nvidia: rules });
    expect(old.nvidia).toMatchObject({ revocation: "acceptUnchecked" });
    expect(() => parseAppraisalPolicy({ ...rest, version: 3, nvidia: rules })).toThrow(
      /nvidia\.revocation is missing/,
    );
  });
});

describe("answers come", () => {
  test("from files, and from the document that the evidence stands in", async () => {
    const answer = await mintOcsp(world);
    const evidence = toEvidenceJson([world.device]);
    const base64 = Buffer.from(answer).toString("base64");
    for (const bytes of [answer, toUtf8(JSON.stringify({ statuses: [base64] }))]) {
      const found = await createSourceOfFiles([{ name: "answers", bytes }]).find(evidence, NVIDIA_NOW);
      expect(found.nvidia?.ocsp).toHaveLength(1);
    }
    expect(await createSourceOfFiles([]).find(evidence, NVIDIA_NOW)).toEqual({});
  });

  test("in a receipt, and are read back from it", async () => {
    const files = { ocsp: [await mintOcsp(world)], crls: [await rootList([])] };
    const json = encodeEndorsements({ nvidia: parseNvidiaEndorsements(files) });
    expect(encodeEndorsements(parseEndorsements(json))).toEqual(json);
  });
});
