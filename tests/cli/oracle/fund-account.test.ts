import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { fundAccount } from "../../../cli/oracle/fund-account.ts";

const ACCOUNT = `0x${"ac".repeat(20)}`;
let server: Server | undefined;

afterEach(() => {
  server?.close();
  server = undefined;
});

/** A chain that says this of whatever is asked. */
async function chainThatSays(reply: string, asked: string[] = []): Promise<string> {
  const chain = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (part: string) => asked.push(part));
    request.on("end", () => response.end(reply));
  });
  server = chain;
  await new Promise<void>((resolve) => chain.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(chain.address() as AddressInfo).port}`;
}

test("a local chain is asked for a hundred ether", async () => {
  const asked: string[] = [];
  await fundAccount(await chainThatSays('{"jsonrpc":"2.0","id":1,"result":null}', asked), ACCOUNT);
  const { method, params } = JSON.parse(asked.join("")) as { method: string; params: [string, string] };
  expect([method, params[0], BigInt(params[1])]).toEqual(["anvil_setBalance", ACCOUNT, 100n * 10n ** 18n]);
});

test.for<[string, string]>([
  ["that gives no money", '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found"}}'],
  ["that talks no JSON-RPC", "<html>"],
])("a chain %s is named, with the account and what to do", async ([, reply]) => {
  const url = await chainThatSays(reply);
  await expect(fundAccount(url, ACCOUNT)).rejects.toMatchObject({
    code: "CHAIN_RPC_UNAVAILABLE",
    message: expect.stringContaining("only the local one of adyton up does") as string,
  });
});

test("a chain that is gone is named", async () => {
  await expect(fundAccount("http://127.0.0.1:1", ACCOUNT)).rejects.toMatchObject({
    message: expect.stringContaining("http://127.0.0.1:1") as string,
  });
});
