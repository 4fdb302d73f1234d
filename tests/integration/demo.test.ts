/** `adyton demo` as a user runs it: what it prints, that it ends by itself, and that it leaves nothing behind. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { runAdyton } from "../support/adyton-command.ts";
import { isListening, portsIn } from "../support/loopback-ports.ts";

const DemoOutput = z.strictObject({
  model: z.strictObject({ endpoint: z.url(), standIn: z.boolean() }),
  requests: z.array(
    z.strictObject({
      requestId: z.string().regex(/^0x[0-9a-f]{64}$/),
      question: z.string(),
      answer: z.union([z.string(), z.record(z.string(), z.string())]),
      status: z.literal("ok"),
      requestTx: z.string().regex(/^0x[0-9a-f]{64}$/),
      fulfillTx: z.string().regex(/^0x[0-9a-f]{64}$/),
      requestGas: z.int().positive(),
      fulfillGas: z.int().positive(),
      msToAnswer: z.int().positive(),
    }),
  ),
  verification: z.strictObject({
    verified: z.boolean(),
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean() })),
  }),
  receiptFile: z.string(),
  policyFile: z.string(),
  treasury: z.strictObject({
    account: z.string().regex(/^0x[0-9a-f]{40}$/),
    grant: z.string().regex(/^0x[0-9a-f]{64}$/),
    isGuarded: z.literal(true),
    runs: z.array(z.object({ situation: z.string(), outcomeOnChain: z.string(), receiptFile: z.string() })),
  }),
  agent: z.strictObject({
    requestId: z.string().regex(/^0x[0-9a-f]{64}$/),
    program: z.string().regex(/^0x[0-9a-f]{64}$/),
    question: z.string(),
    answer: z.strictObject({
      outcome: z.literal("yes"),
      confidenceBps: z.literal(10_000),
      reason: z.string(),
    }),
    status: z.literal("ok"),
    requestTx: z.string(),
    fulfillTx: z.string(),
    requestGas: z.int().positive(),
    fulfillGas: z.int().positive(),
    msToAnswer: z.int().positive(),
  }),
  agentReceiptFile: z.string(),
  replay: z.looseObject({ verdict: z.literal("equal"), calls: z.literal(7) }),
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "adyton-demo-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test(
  "answers two questions, runs an agent, verifies and replays, prints one object and releases every port",
  { timeout: 300_000 },
  async () => {
    const { code, stdout, stderr } = await runAdyton(["demo", "--agents", "--json", "--folder", folder]);
    expect(stderr).toContain("STAND-IN");
    expect(stderr).toContain("SIMULATED");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
    const output = DemoOutput.parse(JSON.parse(stdout));
    expect(output.requests).toHaveLength(2);
    expect(output.verification.verified).toBe(true);
    expect(output.verification.checks.every(({ ok }) => ok)).toBe(true);
    expect(existsSync(output.receiptFile)).toBe(true);
    for (const port of portsIn(stderr)) expect(await isListening(port), `port ${port}`).toBe(false);

    // The oracle's credential for the enclave is in its configuration, and in no log.
    const { enclaves } = JSON.parse(readFileSync(join(folder, "network", "oracle.json"), "utf8")) as {
      readonly enclaves: readonly { readonly callerToken: string }[];
    };
    const logs = readdirSync(join(folder, "network")).filter((name) => name.endsWith(".log"));
    expect(logs.length).toBeGreaterThan(2);
    for (const log of logs)
      expect(readFileSync(join(folder, "network", log), "utf8")).not.toContain(enclaves[0]!.callerToken);

    expect((await runAdyton(["replay", output.agentReceiptFile])).stdout).toMatch(/^equal/);
    const { runs } = output.treasury;
    expect(runs.map(({ outcomeOnChain }) => outcomeOnChain)).toEqual(["idle", "acted", "refused", "refused"]);
    for (const { receiptFile } of runs.slice(1, 3))
      expect((await runAdyton(["replay", receiptFile])).stdout).toMatch(/^equal/);
    const agent = ["verify", output.agentReceiptFile, "--policy", output.policyFile];
    expect((await runAdyton(agent)).code).toBe(0);
    const verify = ["verify", output.receiptFile];
    expect((await runAdyton([...verify, "--policy", output.policyFile])).code).toBe(0);
    const unappraised = await runAdyton([...verify, "--json"]);
    expect(unappraised.code).toBe(4);
    expect(JSON.parse(unappraised.stdout)).toMatchObject({
      kind: "receipt",
      verified: true,
      appraised: null,
    });
  },
);

test("ends on Ctrl-C in the middle, with every process gone", { timeout: 300_000 }, async () => {
  const { code, stderr } = await runAdyton(["demo", "--json", "--folder", folder], (text, interrupt) => {
    // Again and again, as an impatient person does.
    if (text.includes("enclave  ")) interrupt();
  });
  expect(code).toBe(130);
  const ports = portsIn(stderr);
  expect(ports.length).toBeGreaterThan(1);
  for (const port of ports) expect(await isListening(port), `port ${port}`).toBe(false);
});
