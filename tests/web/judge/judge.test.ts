/** The page's judging against the command's, over every shared vector: one verifier, one verdict. In Node; the browser has its own table. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judge } from "../../../web/judge/judge.ts";
import type { GivenFile } from "../../../web/judge/judgement.ts";
import { HAS_VECTORS } from "../../support/vectors/manifest.ts";
import { createSampleReceipt } from "../../support/sample-receipt.ts";
import { SIMULATED_NOW, simulatedQuote } from "../../support/simulated-evidence.ts";
import { describeSimulator } from "../../../devnet/simulator.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { cliVerdict } from "../support/cli-verdict.ts";
import { vectorCase, vectorTable } from "../support/vector-table.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-judge-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string, bytes: Uint8Array, origin: GivenFile["origin"] = "disk"): GivenFile => ({
  name,
  bytes: new Uint8Array(bytes),
  origin,
});

const task = (...files: readonly GivenFile[]) => ({ files, clock: SIMULATED_NOW, time: null, nonce: null });

async function simulatorPolicy(): Promise<Uint8Array> {
  const { policy } = await describeSimulator("default", SIMULATED_NOW);
  return toUtf8(JSON.stringify(policy));
}

describe.skipIf(!HAS_VECTORS)("says of a vector what the command says", () => {
  test.for(vectorTable(1_000).map((entry) => ({ title: `${entry.kind} ${entry.file}`, entry })))(
    "$title",
    async ({ entry }) => {
      const { given, endorsements, time } = vectorCase(entry);
      const cli = await cliVerdict({ bytes: given.bytes, endorsements, time, folder });
      const seconds = Date.parse(time) / 1_000;
      const files = [
        ...(endorsements === undefined ? [] : [file("endorsements.json", endorsements)]),
        file(given.name, given.bytes),
      ];
      const { judgement } = await judge({ files, clock: seconds, time: seconds, nonce: null });
      // Endorsements by themselves, which the command takes for evidence that it cannot read.
      if (judgement.verdict === null) {
        expect([1, 3]).toContain(cli.exitStatus);
        expect(["unknown", "certificate"]).toContain(cli.kind);
        return;
      }
      expect(judgement.verdict).toMatchObject({ status: cli.exitStatus, headline: cli.headline });
    },
  );
});

describe("whose policy it is decides what a verdict may say", () => {
  test.for([
    ["disk", "Accepted, but simulated."],
    ["made here", "Accepted, but simulated."],
    ["operator", "Accepted, but simulated."],
  ] as const)("%s", async ([origin, headline]) => {
    const receipt = await createSampleReceipt({ where: "on chain" });
    const { judgement } = await judge(
      task(file("policy.json", await simulatorPolicy(), origin), file("receipt.json", receipt)),
    );
    expect(judgement.verdict?.headline).toBe(headline);
    expect(judgement.policy?.origin).toBe(origin);
  });

  test("none: nothing is accepted", async () => {
    const { judgement } = await judge(
      task(file("receipt.json", await createSampleReceipt({ where: "off chain" }))),
    );
    expect(judgement.verdict).toMatchObject({ status: 4, headline: "Simulated, not appraised." });
    expect(judgement.proposal?.rows.map(({ rule }) => rule)).toContain("mrTd");
  });

  test("a broken one: nothing is accepted, and the page says why", async () => {
    const policy = new TextDecoder().decode(await simulatorPolicy()).replace('"mrTd"', '"mrTdd"');
    const { judgement } = await judge(
      task(file("policy.json", toUtf8(policy)), file("quote.bin", await simulatedQuote())),
    );
    expect(judgement.verdict?.status).toBe(4);
    expect(judgement.policyFault).toContain("mrTdd");
  });
});

test("what the reader sees of a receipt is what is in it", async () => {
  const { judgement } = await judge(task(file("r.json", await createSampleReceipt({ where: "on chain" }))));
  expect(judgement.receipt).toMatchObject({
    chainId: "31337",
    status: "ok",
    asked: [{ role: "user", text: "Which temple was the oracle's?" }],
    answered: { text: "The temple of Apollo at Delphi.", fields: [] },
    eventCount: 4,
  });
  expect(judgement.receipt?.events.map(({ title }) => title)).toEqual([
    "Received",
    "Sent",
    "Came back",
    "Returned",
  ]);
});

test("nothing is recognised in bytes that are nothing", async () => {
  const { judgement } = await judge(task(file("notes.txt", toUtf8("a shopping list"))));
  expect(judgement).toMatchObject({ subject: null, verdict: null, files: [{ role: "nothing" }] });
});
