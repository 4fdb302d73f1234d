/** `adyton ask` against a running network, and the receipt checked against the chain. */

import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localWallet } from "../../devnet/local-accounts.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { runAdyton } from "../support/adyton-command.ts";
import { COMPILE_CACHE } from "../support/compile-cache.ts";
import { until } from "../oracle/support/test-chain.ts";
import { startTestNetwork } from "../support/local-network.ts";
import { startLocalServer } from "../support/local-server.ts";

let network: LocalNetwork;
let stop: () => Promise<void>;
let networkFile: string;

let folder: string;

beforeAll(async () => {
  ({ network, folder, stop } = await startTestNetwork({ models: ["http-500"] }));
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
      expect.arrayContaining(["admission", "state block", "fulfilment"]),
    );
    // Port 9 (discard) of loopback: nobody answers there.
    expect((await runAdyton([...verify, "--rpc", "http://127.0.0.1:9"])).code).toBe(3);
    // Options that a receipt would ignore are refused, not ignored.
    expect((await runAdyton([...verify, "--time", "2026-01-01"])).code).toBe(64);
  },
);

test(
  "is answered also after somebody moved the chain's time: the enclave's clock is the chain's",
  { timeout: 300_000 },
  async () => {
    await network.provider.send("evm_increaseTime", [HOUR_SECONDS]);
    await network.provider.send("evm_mine", []);
    const asked = await runAdyton(["ask", "What is 2 + 3?", "--network", networkFile, "--json"]);
    expect(JSON.parse(asked.stdout)).toMatchObject({ status: "ok", answer: "2 + 3 = 5" });
  },
);

test(
  "an answer that another operator's node settled is told as the contract has it",
  { timeout: 300_000 },
  async () => {
    await using stranger = await startLocalServer({});
    const strangersFile = join(folder, "of-another-oracle.json");
    writeNetworkFile(strangersFile, { ...network.file, oracleUrl: stranger.url });
    const asked = await runAdyton(["ask", "What is 3 + 4?", "--network", strangersFile, "--json"]);
    expect(asked).toMatchObject({ code: 0, stderr: expect.stringContaining("--node URL") as string });
    expect(JSON.parse(asked.stdout)).toMatchObject({
      answer: "3 + 4 = 7",
      answerBytes: 9,
      receiptFile: null,
    });
  },
);

test(
  "why there will be no answer is told at once, and the request stays open",
  { timeout: 300_000 },
  async () => {
    const model = ["--model", "stand-in/http-500"];
    const asked = await runAdyton(["ask", "Anybody?", ...model, "--network", networkFile, "--json"]);
    expect(asked.code).toBe(1);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      status: "upstreamFailed",
      fulfillTx: null,
      reason: expect.stringMatching(
        /^stand-in\/http-500 gave no answer: the provider reports an error \(MODEL_HTTP_ERROR, HTTP status 500\): settles from/,
      ) as string,
    });
  },
);

/** More than an enclave's clock and a chain's may differ. */
const HOUR_SECONDS = 3_600;
const SIZES = [1, 300, 1_000, 5_000] as const;
/** What fits the request's maxOutputBytes, 1,024: as text by itself, as a value behind its offset and length. */
const MOST_BYTES = { text: 1_024, typed: 1_024 - 2 * 32 } as const;

test.for(SIZES.flatMap((bytes) => [[bytes, "text"] as const, [bytes, "typed"] as const]))(
  "an answer of %i bytes, as %s, is delivered whole, or it is said why not, with exit 1",
  { timeout: 300_000 },
  async ([bytes, form]) => {
    const returns = form === "typed" ? ["--returns", "(string text)"] : [];
    const question = `Answer in exactly ${bytes} bytes`;
    const asked = await runAdyton(["ask", question, ...returns, "--network", networkFile, "--json"]);
    const { status, delivered, answer, problem } = JSON.parse(asked.stdout) as {
      readonly status: string;
      readonly delivered: boolean;
      readonly answer: string | { readonly text: string } | null;
      readonly problem: string | null;
    };
    expect(asked.code).toBe(delivered && status === "ok" ? 0 : 1);
    const said = typeof answer === "string" ? answer : answer?.text;
    if (status === "ok" && form === "text") expect(said).toHaveLength(bytes);
    if (bytes <= MOST_BYTES[form]) expect([status, delivered, said?.length]).toEqual(["ok", true, bytes]);
    // What is too long for the request's maxOutputBytes, a model is asked for again, shorter.
    if (status === "ok" && form === "typed") expect(answer).not.toEqual({ text: "" });
    if (delivered && status === "ok") {
      expect(problem).toBeNull();
    } else {
      expect(problem).toMatch(
        /ran out of the [\d,]+ gas .*callbackGasLimit|at most \d+ bytes \(maxOutputBytes\)/,
      );
    }
  },
);

test("an unknown model is refused before anything is paid", { timeout: 300_000 }, async () => {
  const asked = await runAdyton(["ask", "Anybody there?", "--model", "gpt-4", "--network", networkFile]);
  expect(asked.code).toBe(64);
  expect(asked.stderr).toContain("--model takes stand-in/stand-in-1");
  expect(asked.stderr).not.toContain("transaction");
});

test("an answer that takes longer than we wait is no fault of the chain, and can be fetched later", async () => {
  const asked = await runAdyton([
    "ask",
    "Anybody?",
    "--timeout",
    "0.001",
    "--network",
    networkFile,
    "--json",
  ]);
  expect(asked.code).toBe(1);
  const { status, requestId } = JSON.parse(asked.stdout) as { status: string; requestId: string };
  expect(status).toBe("waiting");
  const saved = await until("the receipt", async () => {
    const run = await runAdyton(["receipt", requestId, "--network", networkFile]);
    return run.code === 0 ? run.stdout.trim() : undefined;
  });
  const policy = ["--policy", network.file.policyFile];
  expect((await runAdyton(["verify", saved, ...policy])).code).toBe(0);
});

test.for([
  ["a network file that is not there", ["ask", "x", "--network", "/nonexistent.json"]],
  ["an output type that is none", ["ask", "x", "--returns", "(bool"]],
  ["an empty question", ["ask", " "]],
  ["a time-out that is no number", ["ask", "x", "--timeout", "soon"]],
  ["a port that is none", ["up", "--port", "http"]],
  ["a request id that is none", ["receipt", "0x12"]],
  ["a node's URL that is none", ["receipt", `0x${"00".repeat(32)}`, "--node", "nowhere"]],
  ["an unknown option", ["ask", "x", "--bogus"]],
  ["an unknown command", ["bogus"]],
] as const)("refuses %s with 64, before it does anything", { timeout: 30_000 }, async ([, args]) => {
  const { code, stdout, stderr } = await runAdyton(args);
  expect(code).toBe(64);
  expect(stdout).toBe("");
  expect(stderr).not.toContain("bug");
});

/** What the tool `ask` of `adyton mcp` gives back, asked one question after another. */
async function askByMcp(
  cap: bigint,
  inputs: readonly Record<string, string>[],
): Promise<readonly McpReply[]> {
  const client = new Client({ name: "test", version: "0" });
  const args = ["mcp", "--allow-ask", "--spend-cap", String(cap), "--network", networkFile];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(import.meta.dirname, "../../cli/main.ts"), ...args],
      env: { ...COMPILE_CACHE },
      stderr: "inherit",
    }),
  );
  try {
    const { tools } = await client.listTools();
    const ask = tools.find(({ name }) => name === "ask");
    expect(ask?.annotations).toMatchObject({ readOnlyHint: false, idempotentHint: false });
    expect(Object.keys(ask?.inputSchema.properties ?? {}).sort()).toEqual(["model", "question", "returns"]);
    const replies: McpReply[] = [];
    for (const input of inputs) {
      const { structuredContent } = await client.callTool(
        { name: "ask", arguments: input },
        { timeout: 240_000 },
      );
      replies.push(structuredContent as McpReply);
    }
    return replies;
  } finally {
    await client.close();
  }
}

interface McpReply {
  readonly found: Readonly<Record<string, unknown>>;
  readonly untrusted: Readonly<Record<string, unknown>>;
}

test(
  "a model's client asks up to its cap, and what the model said is untrusted",
  { timeout: 300_000 },
  async () => {
    const cap = 10n ** 18n;
    const [answered, unknown] = await askByMcp(cap, [
      { question: "What is 3 + 4?", returns: "(string text)" },
      { question: "Anybody?", model: "gpt-4" },
    ]);
    expect(answered?.found).toMatchObject({ status: "ok", delivered: true, receipt: { genuine: true } });
    expect(JSON.stringify(answered?.found)).not.toContain("3 + 4");
    expect(JSON.stringify(answered?.untrusted)).toContain("3 + 4 = 7");
    expect(BigInt(String(answered?.found["capLeftWei"]))).toBeLessThan(cap);
    expect(unknown?.found).toEqual({ error: "INPUT_INVALID" });
  },
);

test("a question beyond the cap is not sent", { timeout: 300_000 }, async () => {
  const count = async (): Promise<number> =>
    await network.provider.getTransactionCount(localWallet(LocalAccount.asker).address, "latest");
  const before = await count();
  const [first] = await askByMcp(1n, [{ question: "What is 3 + 4?" }]);
  expect(first?.found).toEqual({ error: "INPUT_CAP_REACHED" });
  expect(await count()).toBe(before);
});
