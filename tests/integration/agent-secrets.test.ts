/** An agent's secret on a whole network: its server gets it, and it is nowhere else to be read. */

import { PGlite } from "@electric-sql/pglite";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { LocalNetwork } from "../../devnet/start.ts";
import { boundName, type SecretBinding } from "../../protocol/agent-secret.ts";
import { encodeProgram, programHash, type ManifestFile } from "../../protocol/agent-program.ts";
import { fromUtf8, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { AttestationReply } from "../../protocol/enclave-api.ts";
import { keysetId, type Keyset } from "../../protocol/keyset.ts";
import { encodePayload, PayloadType } from "../../protocol/payload.ts";
import { sealSecret } from "../../protocol/sealed-secret.ts";
import type { FixedProvider } from "../enclave/support/fixed-provider.ts";
import { ask, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startKeyedNetwork, type KeyedNetwork } from "./support/keyed-network.ts";

const OPERATOR_KEY = "sk-of-the-operator-66021";
/** The first goes out; the second belongs to a server that is not there; the third is none, since it would end its header. */
const SENT = "sk-of-the-agent-Aristophanes-40117";
const UNSENT = "sk-of-the-agent-Xenophanes-51228";
const MALFORMED = "sk-of-the-agent\r\nHerodotos-62339";
const SECRETS = ["Aristophanes", "Xenophanes", "Herodotos"];

/** Nobody listens there. */
const NOWHERE = "https://localhost:1";

/** Tells all that it sees: what servers answer, what failed and why, its own program, and everything that it can reach. */
const SOURCE = `export default async ({ origin, nowhere, most }, host) => {
  const seen = [];
  const show = (value) => {
    if (value instanceof Error) seen.push(value.name, value.message, value.stack ?? "", value.code ?? "");
    else seen.push(JSON.stringify(value) ?? String(value));
  };
  const tryOut = (request) => host.http(request).then(show, show);
  await tryOut({ url: origin + "/v1/with", method: "POST", body: {}, secrets: { authorization: "key" } });
  await tryOut({ url: origin + "/v1/without", method: "POST", body: {} });
  await tryOut({ url: nowhere + "/", secrets: { "x-key": "far" } });
  await tryOut({ url: origin + "/v1/other", secrets: { "x-other": "key" } });
  await tryOut({ url: origin + "/v1/other", secrets: { authorization: "far" } });
  const walk = (value, depth) => {
    if (depth > 4 || value === null || (typeof value !== "object" && typeof value !== "function")) return;
    for (const name of Object.getOwnPropertyNames(value)) {
      let inner;
      try { inner = value[name]; } catch { continue; }
      if (typeof inner === "string") seen.push(name + "=" + inner.slice(0, 500));
      else walk(inner, depth + 1);
    }
  };
  walk(host, 0);
  walk(globalThis, 2);
  host.log(...seen.slice(0, 20).map((text) => text.slice(0, 300)));
  return seen.join("\\n").slice(0, most);
};`;

let keyed: KeyedNetwork;
let provider: FixedProvider;
let network: LocalNetwork;
let origin: string;
let program: Uint8Array<ArrayBuffer>;
let requestIds: readonly Hex[];
/** All that anybody was told: answers and errors of the enclave, receipts of the oracle. */
const told: string[] = [];

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Over any TLS: whose keyset it is, the evidence says, which the oracle has verified here. */
function callEnclave(method: string, path: string, body?: object, credential?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${credential ?? network.file.agentCredential}`,
      "content-type": "application/json",
    };
    const url = new URL(path, network.file.enclaveUrl);
    const client = request(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("latin1");
        told.push(text);
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    client.on("error", reject);
    client.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function bring(binding: Omit<SecretBinding, "program">, value: string, keyset: Keyset): Promise<Reply> {
  const whole = { ...binding, program: programHash(program) };
  const target = { keysetId: keysetId(keyset), sealingKey: keyset.sealingKey };
  const sealed = await sealSecret(target, boundName(whole), value);
  return await callEnclave("PUT", "/v1/agents/secrets", { binding: whole, sealed });
}

/** @param most characters of output */
const payload = (most: number): Uint8Array<ArrayBuffer> => {
  const input = toUtf8(JSON.stringify({ origin, nowhere: NOWHERE, most }));
  const call = { programHash: programHash(program), program, input, maxOutputBytes: 4_096 };
  return encodePayload({ type: PayloadType.agent, call });
};

beforeAll(async () => {
  keyed = await startKeyedNetwork(OPERATOR_KEY, "nothing of it");
  ({ network, provider } = keyed);
  origin = new URL(provider.url).origin;
  const manifest: ManifestFile = {
    http: [
      { origin, methods: ["GET", "POST"], secrets: { authorization: "key" } },
      { origin: NOWHERE, methods: ["GET"], secrets: { "x-key": "far" } },
    ],
    onHostFailure: "tell",
  };
  program = encodeProgram(SOURCE, manifest);
  const { text } = await callEnclave("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  const { keyset } = z.decode(AttestationReply, JSON.parse(text) as z.input<typeof AttestationReply>);
  const key = { origin, header: "authorization", name: "key" };
  expect(await bring(key, SENT, keyset)).toMatchObject({ status: 204 });
  expect(await bring({ origin: NOWHERE, header: "x-key", name: "far" }, UNSENT, keyset)).toMatchObject({
    status: 204,
  });
  const malformed = await bring({ ...key, name: "odd" }, MALFORMED, keyset);
  expect(malformed).toMatchObject({ status: 400 });
}, 240_000);

afterAll(() => keyed.stop(), 60_000);

test("reaches its server, in its header, and no other request", { timeout: 120_000 }, async () => {
  const ran = await callEnclave("POST", "/v1/agents/runs", { payload: toHex(payload(3_000)) });
  const offChain = JSON.parse(ran.text) as { requestId: Hex; status: string; output: Hex; receipt: string };
  expect([ran.status, offChain.status]).toEqual([200, "ok"]);
  told.push(Buffer.from(offChain.output.slice(2), "hex").toString());
  await callEnclave("GET", offChain.receipt);

  const chain = {
    provider: network.provider,
    asker: localSigner(network.provider, LocalAccount.asker),
    coordinator: OracleCoordinator__factory.connect(network.file.contracts.coordinator, network.provider),
    deployment: { policyId: network.file.policyId },
  };
  const { requestId } = await ask(chain, { payload: toHex(payload(500)) });
  expect(await untilSettled(chain, requestId, 60_000)).toMatchObject({ fulfilled: 1 });
  const file = await until("the receipt", async () => {
    const response = await fetch(`${network.file.oracleUrl}/v1/receipts/${requestId}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  });
  const { receipt } = await verifyReceipt(file);
  told.push(
    fromUtf8(file),
    ...Object.values(receipt.bodies).map((body) => Buffer.from(body.slice(2), "hex").toString("latin1")),
  );
  requestIds = [offChain.requestId, requestId];

  const requests = provider.received.filter(
    (line) => line.startsWith("POST /v1/") || line.startsWith("GET /v1/"),
  );
  const having = requests.filter((line) => line.includes(SENT));
  // Both runs, once each: the request that named no secret went without, and those under another name or header were refused.
  expect(having.map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
    "POST /v1/with",
    "POST /v1/with",
  ]);
  expect(requests.filter((line) => line.startsWith("POST /v1/without"))).toHaveLength(2);
  expect(requests.some((line) => line.includes("/v1/other"))).toBe(false);
});

test("is in no answer, receipt, error or value of the guest, in no log or file, in no row of the store, and not on chain", async () => {
  const held = [...told];
  const blocks = await network.provider.getBlockNumber();
  for (let number = 0; number <= blocks; number += 1) {
    const block: unknown = await network.provider.send("eth_getBlockByNumber", [
      `0x${number.toString(16)}`,
      true,
    ]);
    held.push(JSON.stringify(block));
  }
  held.push(JSON.stringify(await network.provider.getLogs({ fromBlock: 0 })));
  // Nobody writes any more; and the store opens for one process alone.
  await network.stop();
  held.push(...keyed.filesOnDisk().map((path) => readFileSync(path, "latin1")));
  held.push(...(await rowsOf(join(keyed.folder, "store/pg"))));
  // It was looked for where the runs are.
  for (const requestId of requestIds) expect(held.some((text) => text.includes(requestId))).toBe(true);
  expect(told.some((text) => text.includes("nothing of it"))).toBe(true);
  for (const secret of SECRETS) {
    const hex = Buffer.from(secret).toString("hex");
    const base64 = [0, 1, 2].map((offset) => inBase64(secret, offset));
    for (const form of [secret, hex, ...base64]) {
      const holding = held.filter((text) => text.toLowerCase().includes(form.toLowerCase()));
      expect(holding.map((text) => text.slice(0, 200))).toEqual([]);
    }
  }
});

/** What base64 makes of it `offset` bytes behind a multiple of three, without the digits that its neighbours share. */
function inBase64(secret: string, offset: number): string {
  const digits = Buffer.from("\0".repeat(offset) + secret)
    .toString("base64")
    .replace(/=+$/, "");
  return digits.slice(offset === 0 ? 0 : offset + 1, -2);
}

/** Every row of every table, as text: on the disk long values are compressed. */
async function rowsOf(folder: string): Promise<readonly string[]> {
  const store = await PGlite.create({ dataDir: folder });
  try {
    const tables = await store.query<{ readonly name: string }>(
      "select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')",
    );
    const rows: string[] = [];
    for (const { name } of tables.rows) {
      const found = await store.query<{ readonly row: string }>(
        `select row_to_json(t)::text as row from ${name} t`,
      );
      rows.push(...found.rows.map(({ row }) => row));
    }
    expect(rows.length).toBeGreaterThan(0);
    return rows;
  } finally {
    await store.close();
  }
}
