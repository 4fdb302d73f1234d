import { Transaction, Wallet } from "ethers";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSigner } from "../../../../oracle/chain/signing/signer.ts";
import type {
  TransactionSigner,
  UnsignedTransaction,
} from "../../../../oracle/chain/signing/transaction-signer.ts";
import type { Hex } from "../../../../protocol/bytes.ts";
import { rejectionOf } from "../../../support/rejection-of.ts";

const WALLET = new Wallet(`0x${"11".repeat(32)}`);
const STRANGER = new Wallet(`0x${"22".repeat(32)}`);
const ADDRESS = WALLET.address.toLowerCase() as Hex;
const TRANSACTION: UnsignedTransaction = {
  chainId: 31_337,
  nonce: 7,
  to: `0x${"c0".repeat(20)}`,
  data: "0x0102",
  gasLimit: 100_000,
  maxFeePerGas: 3_000_000_000n,
  maxPriorityFeePerGas: 1_000_000_000n,
};

interface RpcCall {
  readonly id: number;
  readonly method: string;
  readonly params: readonly Record<string, string>[];
}

let directory: string;
let server: Server;
/** What the signer answers: a result, or what stands in the place of a JSON-RPC reply. */
let respond: (call: RpcCall) => unknown;
let status: number;
let seen: { readonly call: RpcCall; readonly authorization: string | undefined }[];

/** As a signer reads an `eth_signTransaction`. */
function signAsAsked({ params: [asked] }: RpcCall, wallet = WALLET, change: object = {}): Promise<string> {
  const { to, data, value, nonce, gas, maxFeePerGas, maxPriorityFeePerGas, chainId } = asked!;
  return wallet.signTransaction({
    ...{ type: 2, to: to!, data: data!, value: value!, nonce: Number(nonce), gasLimit: gas! },
    ...{ maxFeePerGas: maxFeePerGas!, maxPriorityFeePerGas: maxPriorityFeePerGas!, chainId: chainId! },
    ...change,
  });
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adyton-signer-"));
  seen = [];
  status = 200;
  respond = async (call) => ({ result: await signAsAsked(call) });
  server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      const call = JSON.parse(text) as RpcCall;
      seen.push({ call, authorization: request.headers.authorization });
      void Promise.resolve(respond(call)).then((reply) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(
          typeof reply === "string"
            ? reply
            : JSON.stringify({ jsonrpc: "2.0", id: call.id, ...(reply as object) }),
        );
      });
    });
  });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

async function connect(at: "tcp" | "unix" = "tcp", change: object = {}): Promise<TransactionSigner> {
  const socket = join(directory, "signer.sock");
  await new Promise<void>((resolve) => {
    if (at === "unix") server.listen(socket, resolve);
    else server.listen(0, "127.0.0.1", resolve);
  });
  const url =
    at === "unix" ? `unix:${socket}` : `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return await loadSigner({ kind: "remote", address: ADDRESS, url, timeoutMs: 2_000, ...change });
}

describe("a remote signer", () => {
  test.for(["tcp", "unix"] as const)("signs what it is asked for, over %s", async (at) => {
    const signer = await connect(at);
    const { raw, hash } = await signer.sign(TRANSACTION);
    expect(signer.address).toBe(ADDRESS);
    const signed = Transaction.from(raw);
    expect(signed.hash).toBe(hash);
    expect(signed).toMatchObject({ from: WALLET.address, nonce: 7, value: 0n, gasLimit: 100_000n });
    expect(seen[0]?.call).toMatchObject({
      method: "eth_signTransaction",
      params: [
        { from: ADDRESS, nonce: "0x7", gas: "0x186a0", maxFeePerGas: "0xb2d05e00", chainId: "0x7a69" },
      ],
    });
  });

  test("may wrap the bytes as geth does, and is shown the token", async () => {
    writeFileSync(join(directory, "token"), "s3cret\n");
    respond = async (call) => ({ result: { raw: await signAsAsked(call), tx: {} } });
    const signer = await connect("tcp", { tokenFile: join(directory, "token") });
    await expect(signer.sign(TRANSACTION)).resolves.toBeDefined();
    expect(seen[0]?.authorization).toBe("Bearer s3cret");
  });

  test.for<[string, object]>([
    ["another nonce", { nonce: 8 }],
    ["another recipient", { to: `0x${"bb".repeat(20)}` }],
    ["other calldata", { data: "0x0103" }],
    ["value", { value: 1n }],
    ["another fee", { maxFeePerGas: 4_000_000_000n }],
    ["another tip", { maxPriorityFeePerGas: 1n }],
    ["another gas limit", { gasLimit: 100_001 }],
    ["another chain", { chainId: 1n }],
    [
      "an access list's type",
      { type: 1, gasPrice: 3_000_000_000n, maxFeePerGas: null, maxPriorityFeePerGas: null },
    ],
  ])("is not believed when it signs %s", async ([, change]) => {
    respond = async (call) => ({ result: await signAsAsked(call, WALLET, change) });
    const signer = await connect();
    expect(await rejectionOf(() => signer.sign(TRANSACTION))).toBe("CHAIN_SIGNER_UNAVAILABLE");
  });

  test.for<[string, (call: RpcCall) => unknown]>([
    ["signs with another key", async (call) => ({ result: await signAsAsked(call, STRANGER) })],
    ["refuses", () => ({ error: { code: -32_000, message: "locked" } })],
    ["returns something else", () => ({ result: "0x02" })],
    ["returns nothing", () => ({})],
    ["talks no JSON", () => "<html>"],
    ["returns megabytes", () => `"${"x".repeat(2_000_000)}"`],
  ])("that %s is unavailable", async ([, answer]) => {
    respond = answer;
    const signer = await connect();
    expect(await rejectionOf(() => signer.sign(TRANSACTION))).toBe("CHAIN_SIGNER_UNAVAILABLE");
  });

  test("that is down, or answers with an error status, is unavailable, and so is one without the account", async () => {
    const signer = await connect();
    status = 401;
    expect(await rejectionOf(() => signer.sign(TRANSACTION))).toBe("CHAIN_SIGNER_UNAVAILABLE");
    status = 200;
    respond = () => ({ result: [STRANGER.address] });
    expect(await rejectionOf(() => signer.check())).toBe("CHAIN_SIGNER_UNAVAILABLE");
    respond = () => ({ result: [STRANGER.address, WALLET.address] });
    await expect(signer.check()).resolves.toBeUndefined();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await rejectionOf(() => signer.check())).toBe("CHAIN_SIGNER_UNAVAILABLE");
    server.listen(0);
  });

  test("needs the files that its configuration names", async () => {
    expect(await rejectionOf(() => connect("tcp", { caFile: join(directory, "missing.pem") }))).toBe(
      "CONFIG_INVALID",
    );
  });
});

test("a key file that is wrong does not quote the key", async () => {
  const file = join(directory, "key");
  writeFileSync(file, `0x${"33".repeat(31)}`);
  server.listen(0);
  const error: unknown = await loadSigner({ kind: "raw", file }).catch((reason: unknown) => reason);
  expect(JSON.stringify(error) + String((error as Error).cause)).not.toContain("3333");
  expect(error).toMatchObject({ code: "CONFIG_INVALID" });
});
