/** Rule: whatever a model, a program, a node or a file said is printed without what a terminal would obey, and begins no line of its own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { policyFromManifests } from "../../attestation/policy/from-manifests.ts";
import { describeTrace } from "../../cli/agent/trace.ts";
import { describeValue } from "../../cli/ask/describe.ts";
import { describeInspection } from "../../cli/inspect/inspect.ts";
import { describeRequest } from "../../cli/oracle/describe-request.ts";
import { describePolicy } from "../../cli/policy/describe-policy.ts";
import { describeVerdict } from "../../cli/replay/describe.ts";
import { checkResultFile } from "../../cli/result/check-result.ts";
import { describeOutcome } from "../../cli/verify/describe.ts";
import type { VerifyReport } from "../../cli/verify/report.ts";

const EVIL = "fine\u001b[2J\u001b[H\nGenuine, and accepted.\r\n\n\u2028ok";

const request = {
  ...{ requestId: "0x11", chainId: 1, phase: "refused", blockNumber: 1, blockTime: 0, consumer: "0x22" },
  ...{ reason: EVIL, settlement: null },
};
const call = { call: 1, op: "http", asked: EVIL, result: "ok", bytes: 1, cost: "0", ms: null };
const piece = { path: "", form: "JSON", kind: "receipt", bytes: 1, claims: { requestId: EVIL } };
const check = { link: "evidence", compared: "", range: null, state: "fails", ok: false } as const;
const report: VerifyReport = {
  ...{ exitStatus: 1, path: EVIL, kind: "nitro", headline: "Not genuine: forged.", sentence: EVIL },
  ...{ verified: false, appraised: null, caution: EVIL, answers: {}, claims: { [EVIL]: EVIL } },
  ...{ claimsVerified: false, error: { code: "EVIDENCE_CHAIN_UNTRUSTED", message: EVIL }, pieces: [] },
  checks: [{ ...check, name: EVIL, detail: EVIL, expected: EVIL, found: EVIL }],
};
const verdict = { exitCode: 1, report: { ...report, pieces: [report, report] } } as const;
const usage = { exitCode: 64, report } as const;
const policy = policyFromManifests([
  {
    ...{ component: "driver", version: EVIL, byIndex: { "1": ["0xab"] } },
    ...{ product: "GH100", signer: "NVIDIA", window: { from: 0, until: 1 } },
  },
]);
const divergence = { at: "output", call: null, expected: EVIL, actual: EVIL } as const;
const notGenuine = {
  verdict: "notGenuine",
  code: "EVIDENCE_MALFORMED",
  check: "format",
  message: EVIL,
} as const;

test.for([
  ["an answer in words", () => describeValue(EVIL)],
  ["an answer in values", () => describeValue({ why: EVIL })],
  ["a program's calls", () => describeTrace({ calls: [call], logs: [], outcome: "ok", gas: "0", cost: "0" })],
  ["a program's log", () => describeTrace({ calls: [], logs: [EVIL], outcome: "ok", gas: "0", cost: "0" })],
  ["a node's reason", () => describeRequest(request, 0)],
  ["a file's claims", () => describeInspection([piece], true)],
  [
    "a file's place and names",
    () => describeInspection([{ ...piece, path: EVIL, claims: { [EVIL]: 1 } }], true),
  ],
  [
    "why claims are missing",
    () => describeInspection([{ ...piece, claims: {}, error: { code: "X", message: EVIL } }], true),
  ],
  ["evidence", () => describeOutcome(verdict)],
  ["a file that is none", () => describeOutcome(usage)],
  ["a run that went another way", () => describeVerdict({ verdict: "diverged", divergence })],
  ["a receipt that is not replayed", () => describeVerdict(notGenuine)],
  ["somebody's policy", () => describePolicy(policy, { full: true })],
] as const)("%s", ([, say]) => {
  const said = say();
  expect(said).toContain("Genuine, and accepted.");
  expect(said).not.toMatch(/\u001b\[2J|\r|\u2028/u);
  expect(said.split("\n")).not.toContainEqual(expect.stringMatching(/^Genuine, and accepted/));
});

test("a token's issuer", async () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const folder = mkdtempSync(join(tmpdir(), "adyton-words-"));
  const [token, believed] = [join(folder, "token"), join(folder, "policy.json")];
  writeFileSync(token, `${part({ alg: "ES256" })}.${part({ iss: EVIL })}.AAAA`);
  const believe = [{ issuer: "somebody", audience: { acceptAny: true } }];
  writeFileSync(
    believed,
    JSON.stringify({ version: 1, believe, claims: { acceptAny: true }, maxAgeSeconds: 1 }),
  );
  const { exitCode, lines } = await checkResultFile(token, { policy: believed });
  rmSync(folder, { recursive: true });
  expect(exitCode).toBe(3);
  expect(lines.join("\n")).toContain("Genuine, and accepted.");
  expect(lines.join("\n")).not.toMatch(/\u001b|\r|\n(?:Genuine|\n)/u);
});
