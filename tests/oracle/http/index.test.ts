import { expect, test } from "vitest";
import type { Hex } from "../../../protocol/bytes.ts";
import {
  idOf,
  CONSUMER,
  ROWS,
  KEYSET,
  POLICY,
  OTHER_CHAINS,
  LEDGER,
  named,
  serveIndex,
  call,
  post,
} from "../support/served-index.ts";

serveIndex();

// With 85 a page ends between two requests at the same place of two chains.
test.for([50, 85])("pages of %i go through all requests, each once, newest first", async (limit) => {
  const seen: string[] = [];
  let path: string | undefined = `/v1/requests?limit=${limit}`;
  while (path !== undefined) {
    const { json } = await call(path);
    seen.push(...(json["requests"] as { requestId: string }[]).map(({ requestId }) => requestId));
    path = json["next"] === null ? undefined : `/v1/requests?limit=${limit}&before=${json["next"] as string}`;
  }
  const expected = Array.from({ length: ROWS }, (_, index) => idOf(ROWS - 1 - index));
  expected.splice(expected.indexOf(idOf(35)), 0, OTHER_CHAINS);
  expect(seen).toEqual(expected);
});

test.for<[string, readonly Hex[]]>([
  [`keysetId=${KEYSET}`, [OTHER_CHAINS, idOf(3)]],
  [`keysetId=${POLICY}`, []],
  ["status=2", [idOf(3)]],
  ["settlement=fulfilled", [OTHER_CHAINS]],
  ["settlement=refunded", []],
  ["chainId=2", [OTHER_CHAINS]],
  [`chainId=1&phase=asked&keysetId=${KEYSET}&status=2&before=11-0-1`, [idOf(3)]],
  [`chainId=2&keysetId=${KEYSET}&status=2`, []],
])("filters by %s", async ([query, expected]) => {
  const { json } = await call(`/v1/requests?${query}`);
  expect((json["requests"] as { requestId: Hex }[]).map(({ requestId }) => requestId)).toEqual(expected);
});

test("joins admissions both ways: of a keyset, and of the keyset that answered a request", async () => {
  const first = await call(`/v1/admissions?keysetId=${KEYSET}&policyId=${POLICY}&limit=1`);
  expect(first.json).toMatchObject({ admissions: [{ keysetId: KEYSET, blockNumber: 8, tx: idOf(8) }] });
  const second = await call(`/v1/admissions?limit=1&before=${String(first.json["next"])}`);
  expect(second.json).toMatchObject({ admissions: [{ blockNumber: 4, expiresAt: 1_900_000_004 }] });
  const last = await call(`/v1/admissions?limit=1&before=${String(second.json["next"])}`);
  expect(last.json).toEqual({ admissions: [], next: null });
  expect((await call("/v1/admissions?chainId=2")).json).toEqual({ admissions: [], next: null });
  const { json } = await call(`/v1/requests/${idOf(3)}`);
  expect(json).toMatchObject({
    answer: { keysetId: KEYSET, admission: { blockNumber: 8, policyId: POLICY } },
  });
});

test("filters by phase and by consumer", async () => {
  const asked = await call("/v1/requests?phase=asked&limit=500");
  expect(asked.json["requests"]).toHaveLength(ROWS / 2);
  const one = await call(`/v1/requests?consumer=${CONSUMER}`);
  expect(one.json["requests"]).toMatchObject([{ requestId: idOf(7) }]);
});

test("a ledger's transitions are read, and rows named, of a ledger that is served", async () => {
  const path = `/v1/ledgers/${LEDGER}`;
  expect((await call(`${path}/transitions`)).json).toEqual({ signers: [], transitions: [] });
  const write = { requestId: idOf(1), localKey: idOf(2), seq: "3" };
  expect((await post(`${path}/writes`, JSON.stringify(write))).status).toBe(204);
  expect(named).toEqual([{ ...write, seq: 3n }]);
  const first = JSON.stringify({ ...write, seq: "0" });
  expect((await post(`${path}/writes`, first)).json).toMatchObject({ error: { code: "INPUT_INVALID" } });
  for (const other of [`/v1/ledgers/${CONSUMER}/transitions`, `${path}/transitions?chainId=2`])
    expect((await call(other)).json).toMatchObject({ error: { code: "INPUT_NOT_FOUND" } });
  expect((await call("/v1/ledgers/0x12/transitions")).status).toBe(400);
});
