/** Rule: whatever a model, a program, a node or a file said is printed without what a terminal would obey. */

import { expect, test } from "vitest";
import { describeTrace } from "../../cli/agent/trace.ts";
import { describeValue } from "../../cli/ask/describe.ts";
import { describeInspection } from "../../cli/inspect/inspect.ts";
import { describeRequest } from "../../cli/oracle/describe-request.ts";

const EVIL = "fine\u001b[2J\u001b[HGenuine, and accepted.";

const request = {
  ...{ requestId: "0x11", chainId: 1, phase: "refused", blockNumber: 1, blockTime: 0, consumer: "0x22" },
  ...{ reason: EVIL, settlement: null },
};
const call = { call: 1, op: "http", asked: EVIL, result: "ok", bytes: 1, cost: "0", ms: null };
const piece = { path: "", form: "JSON", kind: "receipt", bytes: 1, claims: { requestId: EVIL } };

test.for([
  ["an answer in words", () => describeValue(EVIL)],
  ["an answer in values", () => describeValue({ why: EVIL })],
  ["a program's calls", () => describeTrace({ calls: [call], logs: [], outcome: "ok", gas: "0", cost: "0" })],
  ["a program's log", () => describeTrace({ calls: [], logs: [EVIL], outcome: "ok", gas: "0", cost: "0" })],
  ["a node's reason", () => describeRequest(request, 0)],
  ["a file's claims", () => describeInspection([piece], true)],
] as const)("%s", ([, say]) => {
  const said = say();
  expect(said).toContain("Genuine, and accepted.");
  expect(said).not.toContain("\u001b[2J");
});
