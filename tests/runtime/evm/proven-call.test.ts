/** Calls over proven state: each returns what the chain's own `eth_call` does, gas included, whatever the code does. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { startAnvil, type Anvil } from "../../../devnet/anvil.ts";
import { signDigest } from "../../../protocol/answer.ts";
import { toHex, type Hex } from "../../../protocol/bytes.ts";
import { BlockDescription, verifyBlock } from "../../../runtime/evm/block-header.ts";
import { ProofRefused } from "../../../runtime/evm/proof-refused.ts";
import {
  CALL_GAS,
  provenCall,
  type CallOutcome,
  type ShownAccount,
} from "../../../runtime/evm/proven-call.ts";
import { showState } from "../../../runtime/evm/show-state.ts";
import { showCall, startReadStage } from "../../../bench/agents/read-stage.ts";
import { assemble, programAddress, randomPrograms } from "./support/programs.ts";

const PROGRAMS = 200;
const CHAIN_ID = 31_337n;
const programs = randomPrograms(PROGRAMS);

let anvil: Anvil;
let block: BlockDescription;

interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: unknown };
}

async function send(method: string, params: readonly unknown[]): Promise<Reply> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const response = await fetch(anvil.url, { method: "POST", headers, body });
  return (await response.json()) as Reply;
}

const ask = async (method: string, params: readonly unknown[]): Promise<unknown> =>
  (await send(method, params)).result ?? null;

beforeAll(async () => {
  anvil = await startAnvil();
  for (const [index, { code, storage }] of programs.entries()) {
    const address = programAddress(index);
    await send("anvil_setCode", [address, toHex(code)]);
    if (index % 5 === 0) await send("anvil_setBalance", [address, `0x${(index * 1000).toString(16)}`]);
    for (const [slot, word] of storage) await send("anvil_setStorageAt", [address, slot, word]);
  }
  for (let count = 0; count < 3; count += 1) await send("evm_mine", []);
  block = BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false]));
}, 120_000);
afterAll(async () => {
  await anvil.stop();
});

let shownLast: readonly ShownAccount[] = [];

async function proven(to: Hex, data: Hex): Promise<CallOutcome> {
  const header = verifyBlock(block);
  return await showState(
    { to, data },
    {
      number: header.number,
      ask,
      run: (shown) => {
        shownLast = shown;
        return provenCall({ header, chainId: CHAIN_ID }, { to, data }, shown);
      },
    },
  );
}

/** What the chain itself says. */
async function told(to: Hex, data: Hex): Promise<string> {
  const { result, error } = await send("eth_call", [
    { to, data, gas: `0x${CALL_GAS.toString(16)}` },
    block.number,
  ]);
  if (error === undefined) return `returned ${String(result)}`;
  return `reverted ${typeof error.data === "string" ? error.data : "0x"}`;
}

const spell = (outcome: CallOutcome): string =>
  outcome.kind === "returned" || outcome.kind === "reverted"
    ? `${outcome.kind} ${outcome.data}`
    : JSON.stringify(outcome);

test("200 generated calls return and revert with what eth_call says", { timeout: 120_000 }, async () => {
  let returned = 0;
  for (const [index, { data }] of programs.entries()) {
    const to = programAddress(index);
    const outcome = await proven(to, data);
    expect(`${index}: ${spell(outcome)}`).toBe(`${index}: ${await told(to, data)}`);
    if (outcome.kind === "returned") returned += 1;
  }
  expect(returned).toBeGreaterThan(PROGRAMS / 2);
});

const HAND: Hex = `0x${"d0".repeat(20)}`;
const OTHER: Hex = `0x${"d1".repeat(20)}`;
const RETURN_TOP = [0x5f, 0x52, 32n, 0x5f, 0xf3] as const;
/** Hands its call data to `to`, with all gas, and returns what comes back, beside whether it went well. */
const forwards = (to: bigint, kind: number): Uint8Array =>
  assemble(
    ...[0x36, 0x5f, 0x5f, 0x37, 0x5f, 0x5f, 0x36, 0x5f, ...(kind === 0xf1 ? [0x5f] : [])],
    ...[
      to,
      0x5a,
      kind,
      0x5f,
      0x52,
      0x3d,
      0x5f,
      32n,
      0x3e,
      0x5a,
      0x3d,
      32n,
      0x01,
      0x52,
      0x3d,
      64n,
      0x01,
      0x5f,
      0xf3,
    ],
  );
const SIGNED = `0x${"01".repeat(32)}` as const;
const signature = signDigest(SIGNED, new Uint8Array(32).fill(1)).slice(2);
const signedInput = (change: (text: string) => string = (text) => text): Hex =>
  `${SIGNED}${"00".repeat(31)}${signature.slice(128)}${change(signature.slice(0, 128))}`;

test.for([
  ["a loop that ends by its gas", assemble(0x5b, 0x5f, 0x56), "0x"],
  ["a jump into pushed data", assemble(3n, 0x56, 0x5b5bn, ...RETURN_TOP), "0x"],
  ["a jump over it", assemble(6n, 0x56, 0x60, 0x5b, 0x00, 0x5b, 7n, ...RETURN_TOP), "0x"],
  ["an unknown operation", assemble(0x0c), "0x"],
  ["an empty stack", assemble(0x01), "0x"],
  ["a full stack", assemble(...Array.from({ length: 1_025 }, () => 0x5f)), "0x"],
  ["memory beyond all gas", assemble(2n ** 64n, 0x51, ...RETURN_TOP), "0x"],
  ["a thousand words of memory", assemble(32_000n, 0x51, 0x50, 0x5a, ...RETURN_TOP), "0x"],
  ["more than was returned", assemble(1n, 0x5f, 0x5f, 0x3e), "0x"],
  ["the hash of blocks", assemble(1n, 0x43, 0x03, 0x40, 2n, 0x43, 0x03, 0x40, 0x01, ...RETURN_TOP), "0x"],
  ["the hash of this block", assemble(0x43, 0x40, ...RETURN_TOP), "0x"],
  ["a view that writes", forwards(BigInt(OTHER), 0xfa), `0x${"00".repeat(32)}`],
  ["a proxy that writes", forwards(BigInt(OTHER), 0xf4), `0x${"00".repeat(32)}`],
  ["a call that calls itself until it cannot", forwards(BigInt(HAND), 0xf1), "0x"],
  ["a hash by SHA-256", forwards(2n, 0xfa), "0x616263"],
  ["a signature", forwards(1n, 0xfa), signedInput()],
  ["another signature", forwards(1n, 0xfa), signedInput((text) => text.replace(/^./, "7"))],
  ["no signature", forwards(1n, 0xfa), `${SIGNED}${"00".repeat(31)}1b${"11".repeat(64)}`],
  ["a signature of another v", forwards(1n, 0xfa), `${SIGNED}${"00".repeat(31)}1d${"11".repeat(64)}`],
] as const)("%s ends as it does on the chain", async ([, code, data]) => {
  await send("anvil_setCode", [HAND, toHex(code)]);
  // Writes what it is given to slot 0.
  await send("anvil_setCode", [OTHER, toHex(assemble(0x5f, 0x35, 0x5f, 0x55, 0x5a, ...RETURN_TOP))]);
  await send("evm_mine", []);
  block = BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false]));
  expect(spell(await proven(HAND, data))).toBe(await told(HAND, data));
});

test("an account whose code is another's runs it in its own place, and pays for reaching it", async () => {
  const code = assemble(0x30, 0x5f, 0x52, 0x5a, 32n, 0x52, 64n, 0x5f, 0xf3);
  await send("anvil_setCode", [OTHER, toHex(code)]);
  await send("anvil_setCode", [HAND, `0xef0100${OTHER.slice(2)}`]);
  const caller: Hex = `0x${"d2".repeat(20)}`;
  await send("anvil_setCode", [caller, toHex(forwards(BigInt(HAND), 0xf1))]);
  await send("evm_mine", []);
  block = BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false]));
  expect(spell(await proven(HAND, "0x"))).toBe(await told(HAND, "0x"));
  expect(spell(await proven(caller, "0x"))).toBe(await told(caller, "0x"));
});

test.for([
  ["CREATE", assemble(0x5f, 0x5f, 0x5f, 0xf0)],
  ["SELFDESTRUCT", assemble(0x5f, 0xff)],
  ["the precompile 0x0000000000000000000000000000000000000008", forwards(8n, 0xfa)],
] as const)("%s is refused by its name, and not computed wrongly", async ([name, code]) => {
  await send("anvil_setCode", [HAND, toHex(code)]);
  await send("evm_mine", []);
  block = BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false]));
  const outcome = await proven(HAND, "0x");
  expect(outcome.kind === "unsupported" ? outcome.reason : outcome).toContain(name);
});

test.for([
  ["the block's number", assemble(0x43, ...RETURN_TOP)],
  ["the block's beneficiary", assemble(0x41, ...RETURN_TOP)],
  ["the block's gas limit", assemble(0x45, ...RETURN_TOP)],
  ["the block's randomness", assemble(0x44, ...RETURN_TOP)],
  ["a block's hash", assemble(1n, 0x40, ...RETURN_TOP)],
  ["Arbitrum's precompile", Uint8Array.of(0xfe)],
] as const)("%s is refused where a block is Arbitrum's, whose header has it not", async ([what, code]) => {
  await send("anvil_setCode", [HAND, toHex(code)]);
  await send("evm_mine", []);
  block = BlockDescription.parse(await ask("eth_getBlockByNumber", ["latest", false]));
  await proven(HAND, "0x");
  const header = { ...verifyBlock(block), rules: "arbitrum" } as const;
  const outcome = provenCall({ header, chainId: CHAIN_ID }, { to: HAND, data: "0x" }, shownLast);
  expect(outcome.kind === "unsupported" ? outcome.reason : outcome).toContain(what);
});

test("what agents read most is what eth_call says: a balance, a price behind its proxy, Uniswap v3's own quotes", async () => {
  const stage = await startReadStage();
  try {
    for (const [name, call] of Object.entries(stage.calls)) {
      const { outcome } = await showCall(stage, call);
      const said = await stage.ask("eth_call", [call, stage.block.number]);
      expect(`${name}: ${spell(outcome)}`).toBe(`${name}: returned ${String(said)}`);
    }
  } finally {
    await stage.stop();
  }
});

test("no changed byte of what was shown makes another value", { timeout: 120_000 }, async () => {
  const index = 7;
  const [to, data] = [programAddress(index), programs[index]?.data ?? "0x"];
  const truth = await proven(to, data);
  const shown = JSON.stringify(shownLast);
  const digits = [...shown.matchAll(/"0x([0-9a-f]+)"/g)].flatMap(({ index: at, 1: hex = "" }) =>
    Array.from(hex, (_, offset) => at + 3 + offset),
  );
  const header = verifyBlock(block);
  let refused = 0;
  for (let count = 0; count < 1_000; count += 1) {
    const at = digits[(count * 7_919) % digits.length] ?? 0;
    const changed = `${shown.slice(0, at)}${shown[at] === "a" ? "b" : "a"}${shown.slice(at + 1)}`;
    try {
      const accounts = JSON.parse(changed) as readonly ShownAccount[];
      const outcome = provenCall({ header, chainId: CHAIN_ID }, { to, data }, accounts);
      // Something that the call does not read, or now lacks.
      expect([spell(truth), "missing"]).toContain(outcome.kind === "missing" ? "missing" : spell(outcome));
    } catch (error) {
      expect(error).toBeInstanceOf(ProofRefused);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(500);
});
