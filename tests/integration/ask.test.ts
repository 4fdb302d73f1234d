/** `adyton ask` against a running network, and the receipt checked against the chain. */

import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { runAdyton } from "../support/adyton-command.ts";
import { startTestNetwork } from "../support/local-network.ts";

let network: LocalNetwork;
let stop: () => Promise<void>;
let networkFile: string;

beforeAll(async () => {
  let folder: string;
  ({ network, folder, stop } = await startTestNetwork());
  networkFile = join(folder, "network.json");
  writeNetworkFile(networkFile, network.file);
}, 240_000);

afterAll(async () => {
  await stop();
}, 30_000);

interface AskOutput {
  readonly status: string;
  readonly answer: unknown;
  readonly receiptFile: string;
  readonly policyFile: string;
}

test(
  "answers in values of chosen types, and the receipt stands up to the chain",
  { timeout: 300_000 },
  async () => {
    const asked = await runAdyton([
      ...[
        "ask",
        "Is this text abusive: you idiot",
        "--returns",
        "(bool yes, uint8 severity 0..10, string why)",
      ],
      ...["--network", networkFile, "--json"],
    ]);
    expect(asked.stderr).toContain("requested");
    expect(asked.code).toBe(0);
    const output = JSON.parse(asked.stdout) as AskOutput;
    expect(output).toMatchObject({ status: "ok", answer: { severity: "4" } });

    const verify = ["verify", output.receiptFile, "--policy", output.policyFile, "--json"];
    const onChain = await runAdyton([...verify, "--rpc", network.file.rpcUrl]);
    expect(onChain.code).toBe(0);
    const { checks } = JSON.parse(onChain.stdout) as { checks: readonly { name: string; ok: boolean }[] };
    expect(checks.filter(({ ok }) => ok).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["admission", "fulfilment"]),
    );
    // Port 9 (discard) of loopback: nobody answers there.
    expect((await runAdyton([...verify, "--rpc", "http://127.0.0.1:9"])).code).toBe(3);
    // Options that a receipt would ignore are refused, not ignored.
    expect((await runAdyton([...verify, "--time", "2026-01-01"])).code).toBe(64);
  },
);

test("says what failed with its status, and exits 1", { timeout: 300_000 }, async () => {
  const asked = await runAdyton([
    "ask",
    "Anybody there?",
    "--model",
    "nobody/model",
    "--network",
    networkFile,
  ]);
  expect(asked.stdout).toContain("status      invalidRequest");
  expect(asked.code).toBe(1);
});

test.for([
  ["a network file that is not there", ["ask", "x", "--network", "/nonexistent.json"]],
  ["an output type that is none", ["ask", "x", "--returns", "(bool"]],
  ["an empty question", ["ask", " "]],
  ["a time-out that is no number", ["ask", "x", "--timeout", "soon"]],
  ["an unknown option", ["ask", "x", "--bogus"]],
  ["an unknown command", ["bogus"]],
] as const)("refuses %s with 64, before it does anything", { timeout: 30_000 }, async ([, args]) => {
  const { code, stdout, stderr } = await runAdyton(args);
  expect(code).toBe(64);
  expect(stdout).toBe("");
  expect(stderr).not.toContain("bug");
});
