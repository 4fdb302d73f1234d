import { expect, test } from "vitest";
import { fetchDocument } from "../../endorsements/http-document.ts";
import { rejectionOf } from "../support/rejection-of.ts";
import { startLocalServer } from "../support/local-server.ts";

const http = { fetch: globalThis.fetch, timeoutMs: 5_000 };

test("gives a document's bytes and headers", async () => {
  await using server = await startLocalServer({ "/a": { headers: { "x-chain": "c" }, body: "text" } });
  const { bytes, headers } = await fetchDocument(`${server.url}/a`, http);
  expect(new TextDecoder().decode(bytes)).toBe("text");
  expect(headers.get("x-chain")).toBe("c");
});

test("an empty body is no bytes", async () => {
  await using server = await startLocalServer({ "/a": { status: 204, body: "" } });
  expect((await fetchDocument(`${server.url}/a`, http)).bytes).toHaveLength(0);
});

test.for([
  ["a status that is no success", { status: 503, body: "" }],
  ["a redirect, wherever it leads", { status: 302, headers: { location: "/b" }, body: "" }],
  ["a document past 4 MiB", { body: new Uint8Array(4 * 1024 * 1024 + 1) }],
] as const)("refuses %s", async ([, answer]) => {
  await using server = await startLocalServer({ "/a": answer, "/b": { body: "elsewhere" } });
  expect(await rejectionOf(async () => await fetchDocument(`${server.url}/a`, http))).toBe(
    "ENDORSEMENT_UNAVAILABLE",
  );
  expect(server.asked).toEqual(["/a"]);
});

test("says which status a server gave", async () => {
  await using server = await startLocalServer({});
  await expect(fetchDocument(`${server.url}/a`, http)).rejects.toMatchObject({ details: { status: 404 } });
});

test("a server that never answers is unavailable, not waited for", async () => {
  await using server = await startLocalServer({ "/a": "hang" });
  const call = async (): Promise<unknown> =>
    await fetchDocument(`${server.url}/a`, { fetch: globalThis.fetch, timeoutMs: 50 });
  expect(await rejectionOf(call)).toBe("ENDORSEMENT_UNAVAILABLE");
});

test("a server that is not there is unavailable", async () => {
  const server = await startLocalServer({});
  await server[Symbol.asyncDispose]();
  expect(await rejectionOf(async () => await fetchDocument(`${server.url}/a`, http))).toBe(
    "ENDORSEMENT_UNAVAILABLE",
  );
});
