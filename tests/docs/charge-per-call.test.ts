/** docs/how-to/charge-per-call.md: its file starts a front that charges what it says, and its commands do what they say. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readTls, startFront } from "../../cli/front/start-front.ts";
import { describeSimulator } from "../../devnet/simulator.ts";
import type { Listening } from "../../oracle/http/server.ts";
import { wallClockMs } from "../oracle/support/wall-clock.ts";
import { runAdyton } from "../support/adyton-command.ts";
import { commandsOf } from "../walk/commands.ts";

const PAGE = readFileSync(new URL("../../docs/how-to/charge-per-call.md", import.meta.url), "utf8");
const [, CHARGE = "{}"] = /```json\n([\s\S]*?)\n```/u.exec(PAGE) ?? [];
const [, SECRETS = ""] = /```sh\n(openssl[\s\S]*?)\n```/u.exec(PAGE) ?? [];
const folder = mkdtempSync(join(tmpdir(), "adyton-charge-"));
const chargeFile = join(folder, "charge.json");
const fronts: Listening[] = [];

async function start(): Promise<Listening> {
  const front = await startFront({
    enclaveUrl: "https://127.0.0.1:9",
    rpcUrl: "http://127.0.0.1:9",
    policyFile: join(folder, "policy.json"),
    host: "127.0.0.1",
    port: 0,
    now: wallClockMs,
    onError: () => undefined,
    chargeFile,
  });
  fronts.push(front);
  return front;
}

beforeAll(async () => {
  const { policy } = await describeSimulator("test", Math.floor(wallClockMs() / 1_000));
  writeFileSync(join(folder, "policy.json"), JSON.stringify(policy));
  execFileSync("sh", ["-ec", SECRETS], { cwd: folder });
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("the page's commands make a key and a credential for its owner alone", () => {
  for (const file of ["front.key", "front.credential"])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  expect(readTls({})).toBeNull();
});

test("the page's file charges what it says, and one front has its journal", async () => {
  writeFileSync(chargeFile, CHARGE);
  const { port } = await start();
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  const reply = await fetch(url, { method: "POST", body: "{}" });
  expect(reply.status).toBe(402);
  const header = reply.headers.get("payment-required") ?? "";
  const required = JSON.parse(Buffer.from(header, "base64").toString("utf8")) as Record<string, unknown>;
  const { token, payTo, amount, maxTimeoutSeconds } = JSON.parse(CHARGE) as {
    token: { address: string; name: string; version: string };
    payTo: string;
    amount: string;
    maxTimeoutSeconds: number;
  };
  expect(required).toMatchObject({
    x402Version: 2,
    resource: { url: "https://front.example/v1/chat/completions" },
    accepts: [
      {
        ...{
          scheme: "exact",
          network: "eip155:8453",
          asset: token.address,
          payTo,
          amount,
          maxTimeoutSeconds,
        },
        extra: { name: token.name, version: token.version },
      },
    ],
  });
  await expect(start()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test.for([
  ["amount", "0"],
  ["amount", "-1"],
  ["amount", 10_000],
  ["amount", (2n ** 96n).toString()],
  ["payTo", "delphi.eth"],
  ["maxTimeoutSeconds", 29],
  ["maxTimeoutSeconds", 3_601],
  ["facilitatorUrl", "file:///etc/passwd"],
  ["keyFile", "front.credential"],
  ["tip", "1"],
] as const)("refuses %s %s, and names it", async ([field, value]) => {
  writeFileSync(chargeFile, JSON.stringify({ ...(JSON.parse(CHARGE) as object), [field]: value }));
  const refusal = expect(start()).rejects;
  await refusal.toMatchObject({ code: "INPUT_INVALID", message: expect.stringContaining(field) as string });
});

test("the page's identity file is one of ERC-8004", { timeout: 60_000 }, async () => {
  const command = commandsOf(PAGE).find((each) => each.startsWith("adyton identity")) ?? "";
  const args = [...command.matchAll(/"([^"]*)"|(\S+)/gu)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  const { stdout, code } = await runAdyton(args.slice(1), undefined, folder);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    type: "https://eips.ethereum.org/EIPS/eip-8004#registration-v1",
    name: "Oracle of Delphi",
    description: "Answers of attested models",
    services: [
      { name: "web", endpoint: "https://front.example" },
      { name: "attestation", endpoint: "https://front.example/v1/attestation" },
    ],
    x402Support: true,
    active: true,
    registrations: [
      { agentId: 7, agentRegistry: "eip155:11155111:0x8004a6090Cd10A7288092483047B097295Fb8847" },
    ],
    supportedTrust: ["tee-attestation"],
  });
  const named = ["--name", "n", "--description", "d"];
  for (const wrong of [
    ["http://front.example", ...named],
    ["https://front.example", ...named, "--registration", "7"],
  ])
    expect((await runAdyton(["identity", ...wrong], undefined, folder)).code).toBe(64);
});
