/** Rule: what the verdict says of a document as a whole is true of each of its pieces. */

import { describe, expect, test } from "vitest";
import { parseAppraisalPolicy } from "../../../attestation/policy/policy-file.ts";
import { judgeEvidence } from "../../../attestation/verdict/judge-evidence.ts";
import type { JudgeOptions } from "../../../attestation/verdict/judge-piece.ts";
import { toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { EndorsementError } from "../../../protocol/errors.ts";
import { mintAmdWorld } from "../../support/fake-amd.ts";
import { AWS_NOW, mintAwsWorld } from "../../support/fake-aws.ts";

const OPTIONS: JudgeOptions = {
  now: AWS_NOW,
  findEndorsements: () =>
    Promise.reject(new EndorsementError({ code: "ENDORSEMENT_UNAVAILABLE", message: "none" })),
  policy: null,
  nonce: null,
  reportData: null,
};

async function judge(document: object, options: Partial<JudgeOptions> = {}) {
  return (await judgeEvidence(toUtf8(JSON.stringify(document)), { ...OPTIONS, ...options })).verdict;
}

/** Of AWS's form, under a root that is not AWS's. */
const forged = async (): Promise<string> => toHex((await mintAwsWorld()).document);
const unjudged = async (): Promise<string> => toHex(await (await mintAmdWorld()).signReport());

describe("a policy that needs a piece of a kind that is not there", () => {
  const needsTdx = {
    policy: parseAppraisalPolicy({ version: 3, pieces: { needs: ["tdx"] } }),
    origin: "own",
  } as const;

  test("does not make genuine what is false", async () => {
    const verdict = await judge({ a: await forged(), b: await unjudged() }, { policy: needsTdx });
    expect(verdict).toMatchObject({ status: 1, headline: "Not genuine: forged." });
  });

  test("does not make genuine what cannot be judged", async () => {
    const verdict = await judge({ a: await unjudged() }, { policy: needsTdx });
    expect(verdict).toMatchObject({ status: 3, headline: "Cannot be judged." });
  });
});

describe("what stands beside a piece", () => {
  test.for([
    [
      "under the name that dstack has for it",
      (a: string, b: string) => ({ quote: a, event_log: "[]", attestation: b }),
    ],
    [
      "in an object of its list",
      (a: string, b: string) => [{ evidence: "AA==", certificate: "AA==", more: { a, b } }],
    ],
    [
      "as JSON with claims",
      (a: string, b: string) => ({ a, x: { bytes: JSON.stringify({ b }), claims: "0x" } }),
    ],
  ] as const)("%s is judged too", async ([, document]) => {
    const [a, b] = [await unjudged(), await forged()];
    expect(await judge(document(a, b))).toMatchObject({ status: 1 });
  });

  test("and is wrapped too often is not passed over", async () => {
    let wrapped: object = { forged: await forged() };
    for (let times = 0; times < 8; times += 1) wrapped = { inner: JSON.stringify(wrapped) };
    expect(await judge({ a: await unjudged(), wrapped })).toMatchObject({
      status: 3,
      pieces: [{ error: { code: "EVIDENCE_UNSUPPORTED" } }],
    });
  });
});
