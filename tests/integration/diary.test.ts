/** The diary of `examples/diary` over a real chain: what is remembered survives, and no server can show an older page of it. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { JsonRpcProvider, Signer } from "ethers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { buildProgram } from "../../cli/agent/build-program.ts";
import { readProject } from "../../cli/agent/project.ts";
import { loadSandbox } from "../../cli/replay/load-sandbox.ts";
import { AgentMemory__factory } from "../../contracts/bindings/factories/index.ts";
import type { AgentMemory } from "../../contracts/bindings/index.ts";
import { startAnvil, type Anvil } from "../../devnet/anvil.ts";
import { connectLocally, localSigner } from "../../devnet/local-accounts.ts";
import { LOCAL_CHAIN_ID, LocalAccount } from "../../devnet/local-chain.ts";
import type { Program } from "../../protocol/agent-program.ts";
import { fromUtf8, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { keccakText } from "../../protocol/struct-hash.ts";
import type { HttpArgs } from "../../runtime/agents/call-args.ts";
import { tell, type RecordedExchange } from "../../runtime/agents/call-result.ts";
import { runProgram, type Call } from "../../runtime/agents/run-loop.ts";
import { toRunTerms } from "../../runtime/agents/run-terms.ts";

const KEY = keccakText("diary");
const SEED: Hex = `0x${"ab".repeat(32)}`;
/** In place of the chain's first block. */
const NOTHING: Hex = `0x${"00".repeat(32)}`;

let folder: string;
let anvil: Anvil;
let provider: JsonRpcProvider;
let account: Signer;
let memory: AgentMemory;
let program: Program;
/** Changes what the chain's server shows of logs. */
let show: (logs: readonly unknown[]) => readonly unknown[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-diary-"));
  anvil = await startAnvil({ args: [] });
  provider = connectLocally(anvil.url, LOCAL_CHAIN_ID);
  account = localSigner(provider, LocalAccount.asker);
  memory = await new AgentMemory__factory(account).deploy();
  await memory.waitForDeployment();
  cpSync(join(resolve(import.meta.dirname, "../.."), "examples/diary"), folder, { recursive: true });
  const settings = join(folder, "src/settings.ts");
  const filled = readFileSync(settings, "utf8")
    .replace(`0x${"1".padStart(40, "0")}`, await memory.getAddress())
    .replace(`0x${"2".padStart(40, "0")}`, await account.getAddress());
  writeFileSync(settings, filled);
  ({ program } = await buildProgram(readProject(folder)));
});
beforeEach(() => {
  show = (logs) => logs;
});
afterAll(async () => {
  provider.destroy();
  await anvil.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function exchangeOf({ op, args }: Call, price: number): Promise<RecordedExchange | null> {
  if (op !== "http") return null;
  const { url, body } = JSON.parse(args) as HttpArgs;
  return {
    kind: "complete",
    status: 200,
    headers: {},
    body: toUtf8(JSON.stringify(url.startsWith("https://rpc.") ? await askChain(body) : { price })),
    transport: { kind: "plain-loopback", address: "127.0.0.1" },
    format: null,
  };
}

async function askChain(body: unknown): Promise<object> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(anvil.url, { method: "POST", headers, body: JSON.stringify(body) });
  const json = (await response.json()) as { readonly result: readonly unknown[] };
  const { method } = body as { readonly method: string };
  return method === "eth_getLogs" ? { ...json, result: show(json.result) } : json;
}

interface Written {
  readonly target: string;
  readonly data: string;
}

/** At the chain's present block. */
async function run(
  price: number,
): Promise<{ readonly calls: readonly Written[]; readonly threw: string | null }> {
  const block = await provider.getBlock("latest");
  const end = await runProgram(
    loadSandbox().image,
    toRunTerms({
      requestId: SEED,
      program,
      input: new Uint8Array(),
      stateBlock: { number: BigInt(block?.number ?? 0), hash: (block?.hash ?? NOTHING) as Hex },
      started: { seed: SEED, now: 1_700_000_000, trigger: "slot", feeWei: "0" },
    }),
    async (call) => {
      const exchange = await exchangeOf(call, price);
      const record = { ...call, exchange, refusal: null, time: 1, left: { feeWei: "0", seconds: 1 } };
      const { text, failure } = tell(record);
      return { text, isHostFailure: failure?.code === "UNREACHABLE" };
    },
  );
  if (end.outcome !== "returned") return { calls: [], threw: end.result ?? end.outcome };
  return { ...(JSON.parse(end.result ?? "") as { readonly calls: readonly Written[] }), threw: null };
}

/** As the account would: the calls of a run, all of them. */
async function act(calls: readonly Written[]): Promise<void> {
  for (const { target, data } of calls) await (await account.sendTransaction({ to: target, data })).wait();
}

async function remembered(): Promise<unknown> {
  const logs = await memory.queryFilter(memory.filters.Remembered());
  const content = logs.at(-1)?.args.content as Hex;
  expect(await memory.holds(await account.getAddress(), KEY, content)).toBe(true);
  return JSON.parse(fromUtf8(fromHex(content)));
}

test("the first run remembers, the next one knows, and one that learns nothing writes nothing", async () => {
  const first = await run(3_000);
  expect(first).toMatchObject({ calls: [{ target: await memory.getAddress() }], threw: null });
  await act(first.calls);
  expect(await remembered()).toEqual({ highest: 3_000, seen: 1_700_000_000 });
  expect(await run(2_999)).toEqual({ calls: [], threw: null });
  await act((await run(4_000)).calls);
  expect(await remembered()).toMatchObject({ highest: 4_000 });
});

test("a server that shows an older page, a changed one or none makes the run fail, and nothing is written", async () => {
  const older = (await memory.queryFilter(memory.filters.Remembered()))[0];
  const changed = toHex(toUtf8('{"highest":1,"seen":1}'));
  for (const data of [
    older?.data,
    memory.interface.encodeEventLog("Remembered", [SEED.slice(0, 42), KEY, KEY, changed]).data,
  ]) {
    show = ([log]) => [{ ...(log as object), data }];
    expect(await run(5_000)).toMatchObject({
      calls: [],
      threw: expect.stringContaining("no server shows") as string,
    });
  }
  show = () => [];
  expect(await run(5_000)).toMatchObject({ threw: expect.stringContaining("no server shows") as string });
  // The right page among others is found.
  show = (logs) => [{ ...(logs[0] as object), data: older?.data }, ...logs];
  expect((await run(5_000)).calls).toHaveLength(1);
});

test("a run that read an older block replaces nothing", async () => {
  const [early, late] = [await run(6_000), await run(7_000)];
  await act(late.calls);
  await expect(act(early.calls)).rejects.toThrow(/MemoryChanged|revert/);
  expect(await remembered()).toMatchObject({ highest: 7_000 });
});
