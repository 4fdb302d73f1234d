/** `adyton agent` as whoever writes one uses it: against a network on this machine, and against what was recorded. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAgentProject } from "../../cli/agent/create-project.ts";
import { writeNetworkFile } from "../../devnet/network-file.ts";
import { runAdyton, type CommandRun } from "../support/adyton-command.ts";
import { startTestNetwork } from "../support/local-network.ts";

const ROOT = resolve(import.meta.dirname, "../..");

let parent: string;
let folder: string;
let network: string;
let stop: () => Promise<void>;
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), "adyton-agent-"));
  folder = join(parent, "judge");
  network = join(parent, "network.json");
  createAgentProject(folder);
  const started = await startTestNetwork();
  stop = started.stop;
  writeNetworkFile(network, started.network.file);
});
afterAll(async () => {
  await stop();
  rmSync(parent, { recursive: true, force: true });
});

interface Ran {
  readonly status: string;
  readonly program: string;
  readonly output: unknown;
  readonly gas: string;
  readonly cost: string;
  readonly calls: readonly { readonly op: string; readonly result: string; readonly ms: number | null }[];
  readonly logs: readonly string[];
  readonly receiptFile: string;
}

const agent = (...args: readonly string[]): Promise<CommandRun> => runAdyton(["agent", ...args]);

async function ran(...args: readonly string[]): Promise<Ran> {
  const { code, stdout, stderr } = await agent("run", folder, "--json", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Ran;
}

test("a run tells its calls, gas and cost, and its receipt replays; later the program runs against it", async () => {
  const first = await ran("--network", network);
  expect(first).toMatchObject({
    status: "ok",
    output: { flagged: true },
    logs: ['["judging",32,"characters"]'],
  });
  expect(first.calls).toMatchObject([{ op: "model", result: "ok", ms: expect.any(Number) as number }]);
  expect(BigInt(first.gas)).toBeGreaterThan(100_000n);
  expect(BigInt(first.cost)).toBeGreaterThan(0n);

  const replayed = await runAdyton(["replay", first.receiptFile, "--json"]);
  expect(JSON.parse(replayed.stdout)).toMatchObject({
    verdict: "equal",
    program: first.program,
    gas: first.gas,
  });

  const source = join(folder, "src/agent.ts");
  writeFileSync(
    source,
    readFileSync(source, "utf8").replace("return value;", "return { ...value, severity: 10 };"),
  );
  const again = await ran("--recorded", first.receiptFile);
  expect(again).toMatchObject({ status: "ok", output: { flagged: true, severity: "10" }, receiptFile: null });
  expect(again.program).not.toBe(first.program);
  const otherwise = await agent(
    "run",
    folder,
    "--recorded",
    first.receiptFile,
    "--input",
    '{"text":"another"}',
  );
  expect([otherwise.code, otherwise.stderr]).toEqual([
    64,
    expect.stringContaining("call 0 was not recorded so"),
  ]);
});

test("a person is shown the calls, and how to replay", async () => {
  const { code, stdout } = await agent("run", folder, "--network", network);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ {3}0 {2}model +\d+ ms {2}ok {2}"You are an idiot and I hate you\."/m);
  expect(stdout).toMatch(/^gas +\d+$/m);
  expect(stdout).toContain("replay ");
});

test("a model that the network does not serve is named before anything is sent", async () => {
  const manifest = join(folder, "agent.json");
  const before = readFileSync(manifest, "utf8");
  writeFileSync(manifest, before.replace("stand-in/stand-in-1", "openai/gpt-5"));
  const { code, stderr } = await agent("run", folder, "--network", network);
  writeFileSync(manifest, before);
  expect([code, stderr]).toEqual([
    64,
    expect.stringContaining("serves no openai/gpt-5, but stand-in/stand-in-1"),
  ]);
});

describe("the tutorial", () => {
  const page = readFileSync(join(ROOT, "docs/tutorials/first-agent.md"), "utf8");
  const commands = Array.from(page.matchAll(/^```sh\n(.*?)\n```/gms), ([, command = ""]) => command);

  test("shows the program that `agent init` writes, to the byte", () => {
    const [, program] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
    expect(program).toBe(readFileSync(join(ROOT, "examples/agent/src/agent.ts"), "utf8"));
  });

  test("types commands that do what it says, each as it stands", async () => {
    const judge = join(parent, "tutorial");
    let receipt = "";
    const type = async (command: string): Promise<CommandRun> => {
      const words = Array.from(
        command.matchAll(/'([^']*)'|(\S+)/g),
        ([, quoted, bare]) => quoted ?? bare ?? "",
      );
      expect(words.slice(0, 5)).toEqual(["npm", "run", "-s", "adyton", "--"]);
      const args = words
        .slice(5)
        .map((word) => (word === "../judge" ? judge : word === "RECEIPT" ? receipt : word));
      const reaches = /^(?:run|ask)$/.test(args[1] ?? "") && !args.includes("--recorded");
      return await runAdyton([...args, ...(reaches ? ["--network", network] : [])]);
    };
    const [init, up, run, otherInput, ask, replay, recorded, build, ...more] = commands;
    expect([up, more]).toEqual(["npm run -s adyton -- up", []]);
    expect((await type(init ?? "")).code).toBe(0);
    expect((await type(run ?? "")).stdout).toContain('"flagged":true');
    expect((await type(otherInput ?? "")).stdout).toContain('"flagged":false');
    const asked = await type(ask ?? "");
    expect(asked.stdout).toMatch(/^status +ok, delivered to the contract$/m);
    expect(asked.stdout).toMatch(/^on chain \{"flagged":true,/m);
    receipt = /^receipt +(\S+)$/m.exec(asked.stdout)?.[1] ?? "";
    expect((await type(replay ?? "")).stdout).toMatch(/^equal/);
    const source = join(judge, "src/agent.ts");
    const changed = /such as `(return [^`]*)`/.exec(page)?.[1] ?? "";
    writeFileSync(source, readFileSync(source, "utf8").replace("return value;", changed));
    expect((await type(recorded ?? "")).stdout).toContain('"severity":"10"');
    expect((await type(build ?? "")).stdout).toMatch(/^program +0x[0-9a-f]{64}$/m);
  });
});

test("publish brings the program to the enclave, by the hash that build prints", async () => {
  const built = JSON.parse((await agent("build", folder, "--json")).stdout) as { readonly program: string };
  const { code, stdout } = await agent("publish", folder, "--network", network, "--json");
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { program: built.program }]);
});

test("keep brings the program's secrets, and the program may use them from then on", async () => {
  const keeper = join(parent, "keeper");
  createAgentProject(keeper);
  const manifest = {
    http: [{ origin: "https://secrets.invalid", methods: ["GET"], secrets: { authorization: "key" } }],
    onHostFailure: "tell",
  };
  writeFileSync(join(keeper, "agent.json"), JSON.stringify({ entry: "src/agent.ts", manifest }));
  writeFileSync(
    join(keeper, "src/agent.ts"),
    `import type { Host } from "adyton/agent";
    export default async (_input: unknown, host: Host) =>
      await host.http({ url: "https://secrets.invalid/", secrets: { authorization: "key" } })
        .then(({ status }) => String(status), (error: { code: string }) => error.code);`,
  );
  writeFileSync(join(parent, "key"), "sk-of-the-owner\n");
  const code = async (): Promise<unknown> => {
    const { stdout } = await agent("run", keeper, "--network", network, "--json");
    return (JSON.parse(stdout) as Ran).output;
  };
  expect(await code()).toBe('"REFUSED"');
  const secret = `key=${join(parent, "key")}`;
  const kept = await agent("keep", keeper, "--network", network, "--secret", secret, "--json");
  expect([kept.code, kept.stderr, JSON.parse(kept.stdout)]).toMatchObject([0, "", { secrets: 1 }]);
  // It goes out now, to a server that is not there.
  expect(await code()).toBe('"UNREACHABLE"');
});
