import { describe, expect, test } from "vitest";
import { verifyNitroDocumentUnder } from "../../../attestation/aws/verify-nitro-document.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { toGpuNonce } from "../../../attestation/nvidia/gpu-binding.ts";
import { verifyNvidiaEvidenceUnder } from "../../../attestation/nvidia/verify-nvidia-evidence.ts";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { proposePolicy } from "../../../attestation/policy/propose.ts";
import { bindGpus } from "../../../attestation/verdict/bind-gpus.ts";
import type { JudgedPiece, JudgeOptions } from "../../../attestation/verdict/judge-piece.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { AWS_NOW, mintAwsWorld } from "../../support/fake-aws.ts";
import { mintNvidiaWorld, NVIDIA_NOW } from "../../support/fake-nvidia.ts";

const REPORT_DATA = new Uint8Array(64).fill(7);
const HASHED = fromHex(toGpuNonce(toHex(REPORT_DATA)));
const SAME = REPORT_DATA.subarray(0, 32);
const OTHER = new Uint8Array(32).fill(9);

function toPiece(evidence: VerifiedEvidence): JudgedPiece {
  const verdict = {
    outcome: "accepted",
    status: 0,
    headline: "",
    path: evidence.kind,
    form: "JSON",
    kind: evidence.kind,
    sentence: "",
    answers: [],
    claims: {},
    established: true,
    tcbStatus: null,
    advisories: [],
    caution: null,
    checks: [],
    error: null,
  } as const;
  return { evidence, verdict };
}

async function cpu(user_data: Uint8Array = REPORT_DATA): Promise<VerifiedEvidence> {
  const { roots, document } = await mintAwsWorld({ fields: { user_data } });
  return await verifyNitroDocumentUnder(roots, document, { now: AWS_NOW });
}

async function gpu(nonce: Uint8Array<ArrayBuffer>): Promise<VerifiedEvidence<"nvidia">> {
  const { roots, device } = await mintNvidiaWorld({ nonce });
  return await verifyNvidiaEvidenceUnder(roots, [device], { now: NVIDIA_NOW });
}

function options(pieces: JudgedPiece[], isDemanded: boolean): JudgeOptions {
  const evidence = pieces.flatMap((piece) => piece.evidence ?? []);
  const file = {
    ...proposePolicy(...evidence),
    pieces: { needs: ["nvidia"], ...(isDemanded && { boundGpus: true }) },
  };
  const policy = { policy: parseAppraisalPolicy(file), origin: "own" } as const;
  return { now: AWS_NOW, findEndorsements: () => Promise.resolve({}), policy, nonce: null, reportData: null };
}

describe("GPUs beside a CPU's evidence", () => {
  test.for([
    ["answered the hash of its report data", HASHED, "holds"],
    ["answered the nonce in its report data", SAME, "holds"],
    ["answered something else", OTHER, "left open"],
  ] as const)("%1$s: said in the verdict", async ([, nonce, state]) => {
    const pieces = [toPiece(await gpu(nonce)), toPiece(await cpu())];
    bindGpus(pieces, options(pieces, false));
    expect(pieces[0]!.verdict).toMatchObject({
      status: 0,
      checks: [{ name: "GPUs and CPU", link: "hardware", state }],
    });
    expect(pieces[1]!.verdict.checks).toEqual([]);
  });

  test("are refused where the policy demands that they are bound, and they are not", async () => {
    const pieces = [toPiece(await gpu(OTHER)), toPiece(await cpu())];
    bindGpus(pieces, options(pieces, true));
    expect(pieces[0]!.verdict).toMatchObject({
      status: 2,
      error: { code: "APPRAISAL_REPORT_DATA_MISMATCH" },
      checks: [{ name: "GPUs and CPU", state: "fails" }],
    });
  });

  test("are accepted where the policy demands it and the enclave asked them", async () => {
    const pieces = [toPiece(await gpu(HASHED)), toPiece(await cpu())];
    bindGpus(pieces, options(pieces, true));
    expect(pieces[0]!.verdict).toMatchObject({ status: 0, checks: [{ state: "holds" }] });
  });

  test.for([
    ["nothing", new Uint8Array()],
    ["zeros", new Uint8Array(64)],
  ] as const)("are bound to no CPU that binds %s, whose hash everybody knows", async ([, bound]) => {
    const pieces = [toPiece(await gpu(fromHex(toGpuNonce(toHex(bound))))), toPiece(await cpu(bound))];
    bindGpus(pieces, options(pieces, true));
    expect(pieces[0]!.verdict.status).toBe(2);
  });

  test("alone are refused where the policy demands a CPU that they are bound to", async () => {
    const pieces = [toPiece(await gpu(HASHED))];
    bindGpus(pieces, options(pieces, true));
    expect(pieces[0]!.verdict.status).toBe(2);
  });

  test("alone have nothing to be compared with", async () => {
    const pieces = [toPiece(await gpu(HASHED))];
    bindGpus(pieces, options(pieces, false));
    expect(pieces[0]!.verdict.checks).toEqual([]);
  });

  test("beside evidence that is not genuine are bound to nothing", async () => {
    const pieces = [toPiece(await gpu(HASHED)), { ...toPiece(await cpu()), evidence: null }];
    bindGpus(pieces, options(pieces, true));
    expect(pieces[0]!.verdict.status).toBe(2);
  });
});
