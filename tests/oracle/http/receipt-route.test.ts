import express from "express";
import { afterEach, expect, test } from "vitest";
import { errorHandler } from "../../../oracle/http/error-reply.ts";
import { receiptRoute, type ReceiptRouteOptions } from "../../../oracle/http/receipt-route.ts";
import { listen, type Listening } from "../../../oracle/http/server.ts";
import { createLogger } from "../../../oracle/log.ts";
import type { Hex } from "../../../protocol/bytes.ts";

const ID: Hex = `0x${"01".repeat(32)}`;
const KEYSET: Hex = `0x${"02".repeat(32)}`;
const RECEIPT = JSON.stringify({ answer: { keysetId: KEYSET, requestId: ID } });
const TWIN = Uint8Array.of(0xd2, 0x84);

const listening: Listening[] = [];
afterEach(async () => {
  await Promise.all(listening.splice(0).map((server) => server.close()));
});

async function serve(
  options: Partial<ReceiptRouteOptions> = {},
): Promise<(accept: string, id?: string) => Promise<Response>> {
  const app = express();
  const find = (id: Hex): Promise<string | undefined> => Promise.resolve(id === ID ? RECEIPT : undefined);
  const twin: ReceiptRouteOptions["twin"] = (keysetId, id) =>
    keysetId === KEYSET && id === ID ? Promise.resolve(TWIN) : undefined;
  app.get("/v1/receipts/:requestId", receiptRoute({ find, twin, ...options }));
  app.use(errorHandler(createLogger({ level: "error", write: () => undefined, now: () => 0 })));
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  listening.push(server);
  return (accept, id = ID) =>
    fetch(`http://127.0.0.1:${server.port}/v1/receipts/${id}`, { headers: { accept } });
}

test.for(["*/*", "application/json", "application/json, application/eat+cwt;q=0.9"])(
  "gives the file's exact bytes for %s",
  async (accept) => {
    const response = await (await serve())(accept);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.text()).toBe(RECEIPT);
  },
);

test.for(["application/eat+cwt", "application/cose"])("gives the enclave's twin for %s", async (accept) => {
  const response = await (await serve())(accept);
  expect(response.headers.get("content-type")).toBe(accept);
  expect(response.headers.get("vary")).toBe("accept");
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(TWIN);
});

test.for([
  ["a request that is not known", "*/*", `0x${"09".repeat(32)}`, 404, "INPUT_NOT_FOUND"],
  ["an id that is none", "*/*", "0x01", 400, "INPUT_INVALID"],
  ["a form that there is not", "text/html", ID, 400, "INPUT_INVALID"],
] as const)("refuses %s", async ([, accept, id, status, code]) => {
  const response = await (await serve())(accept, id);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { code } });
});

test("says that an enclave is gone whose twin nobody else can make", async () => {
  const response = await (await serve({ twin: () => undefined }))("application/eat+cwt");
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: "INPUT_NOT_FOUND" } });
});

test("does not let strangers keep the enclave signing", async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  let asked = 0;
  const all = Promise.withResolvers<undefined>();
  const ask = await serve({
    twin: () => {
      asked += 1;
      if (asked === 4) all.resolve(undefined);
      return promise;
    },
  });
  const waiting = [1, 2, 3, 4].map(() => ask("application/cose"));
  await all.promise;
  expect((await ask("application/cose")).status).toBe(429);
  expect((await ask("application/json")).status).toBe(200);
  resolve(TWIN);
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect((await ask("application/cose")).status).toBe(200);
});
