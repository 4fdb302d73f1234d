/** A policy from a document with several pieces of one kind: each is accepted, and nothing between them. */

import { expect, test } from "vitest";
import { verifyTdQuote } from "../../../attestation/intel/verify-tdx.ts";
import type { VerifiedEvidence } from "../../../attestation/evidence/verified-evidence.ts";
import { appraiseEvidence } from "../../../attestation/policy/appraise.ts";
import type { AppraisalPolicy } from "../../../attestation/policy/policy.ts";
import { openRules, proposePolicy } from "../../../attestation/policy/propose.ts";
import { codeOf } from "../../support/code-of.ts";
import {
  AT,
  FAKE_TRUST,
  mintFakeIntel,
  NOW,
  tcbLevel,
  type FakeIntelChange,
} from "../../support/fake-intel.ts";

async function tdx(
  measurements: { readonly mrTd?: number; readonly rtMr1?: number },
  change: FakeIntelChange = {},
): Promise<VerifiedEvidence<"tdx">> {
  const intel = await mintFakeIntel({
    ...change,
    body: [
      [AT.mrTd, new Uint8Array(48).fill(measurements.mrTd ?? 1)],
      [AT.rtMr1, new Uint8Array(48).fill(measurements.rtMr1 ?? 1)],
      ...(change.body ?? []),
    ],
  });
  const context = { endorsements: intel.endorsements(), now: NOW, trust: FAKE_TRUST };
  return await verifyTdQuote("tdx", intel.quote, context);
}

const appraise = (evidence: VerifiedEvidence, policy: AppraisalPolicy): string =>
  codeOf(() => appraiseEvidence(evidence, policy, { now: NOW }));

const hex48 = (byte: string): string => `0x${byte.repeat(48)}`;

test("two builds are accepted as whole combinations, and neither's value with the other's", async () => {
  const [first, second] = [await tdx({ mrTd: 1, rtMr1: 1 }), await tdx({ mrTd: 2, rtMr1: 2 })];
  const policy = proposePolicy(first, second);
  expect([appraise(first, policy), appraise(second, policy)]).toEqual(["nothing thrown", "nothing thrown"]);
  expect(policy.tdx).toMatchObject({
    mrTd: { oneOf: [hex48("01"), hex48("02")] },
    combinations: {
      oneOf: [
        { mrTd: hex48("01"), rtMr1: hex48("01") },
        { mrTd: hex48("02"), rtMr1: hex48("02") },
      ],
    },
  });
  // Each of its values is on a list; together nobody saw them.
  expect(appraise(await tdx({ mrTd: 1, rtMr1: 2 }), policy)).toBe("APPRAISAL_MEASUREMENT_UNKNOWN");
  expect(appraise(await tdx({ mrTd: 3, rtMr1: 1 }), policy)).toBe("APPRAISAL_MEASUREMENT_UNKNOWN");
  expect(openRules(policy)).not.toContain("tdx.combinations");
});

test("where one value differs its list says all, and the order of the pieces says nothing", async () => {
  const pieces = [await tdx({ mrTd: 1 }), await tdx({ mrTd: 2 })] as const;
  const policy = proposePolicy(...pieces);
  expect(policy.tdx).toMatchObject({ combinations: { acceptAny: true } });
  for (const piece of pieces)
    expect(appraise(piece, proposePolicy(...pieces.toReversed()))).toBe("nothing thrown");
  expect(appraise(await tdx({ mrTd: 3 }), policy)).toBe("APPRAISAL_MEASUREMENT_UNKNOWN");
});

test("two of one build are as one", async () => {
  const piece = await tdx({});
  expect(proposePolicy(piece, await tdx({}))).toEqual(proposePolicy(piece));
});

test("bounds are the lower ones, component by component", async () => {
  const svns = (...first: readonly number[]) =>
    [AT.teeTcbSvn, Uint8Array.of(...first, ...Array<number>(14).fill(3))] as const;
  const old = { tcbLevels: [tcbLevel(1, "OutOfDate")], tdxModuleIdentities: [] };
  const pieces = [
    await tdx({}, { body: [svns(3, 0)], tcbInfo: old }),
    await tdx({}, { body: [svns(2, 0)], pckFields: { pceSvn: 20 } }),
  ] as const;
  const policy = proposePolicy(...pieces);
  expect(pieces.map((piece) => appraise(piece, policy))).toEqual(["nothing thrown", "nothing thrown"]);
  expect(policy.tdx).toMatchObject({
    teeTcbSvn: { componentsAtLeast: `0x0200${"03".repeat(14)}` },
    pceSvn: { atLeast: 13 },
    tcbStatuses: ["UpToDate", "OutOfDate"],
  });
});

test("a piece in debug stays refused, and opens nothing for the other", async () => {
  const debug = await tdx({ mrTd: 2 }, { body: [[AT.tdAttributes, Uint8Array.of(1)]] });
  const piece = await tdx({});
  for (const policy of [proposePolicy(piece, debug), proposePolicy(debug, piece)]) {
    expect(appraise(piece, policy)).toBe("nothing thrown");
    expect(appraise(debug, policy)).toBe("APPRAISAL_DEBUG_ENABLED");
  }
});
