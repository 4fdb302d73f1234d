/** Requests whose payload travels by hash and URI, from the chain and back. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromHex } from "../../protocol/bytes.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, type TestChain, textPayload, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

const CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
const PAYLOAD = textPayload("2 + 2?");

let bed: Testbed;
let chain: TestChain;
let enclave: StandInEnclave;
let oracle: OracleProcess;
let gateway: Server;
let served: string[];

beforeAll(async () => {
  served = [];
  gateway = createServer((request, response) => {
    served.push(request.url ?? "");
    response.end(request.url === `/ipfs/${CID}` ? fromHex(PAYLOAD) : "a lie");
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  bed = await startTestbed();
  ({ chain, enclave } = bed);
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  oracle = await bed.startNode({ change: { payloads: { ipfsGateways: [url] } } });
});

afterAll(async () => {
  await bed.stop();
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
});

describe("a payload by URI", { timeout: 90_000 }, () => {
  test("reaches the enclave, and is in the receipt", async () => {
    const { requestId } = await ask(chain, { payload: PAYLOAD, payloadUri: `ipfs://${CID}` });
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
    expect(served).toEqual([`/ipfs/${CID}`]);
    const receipt = await until("receipt", async () => {
      const response = await fetch(`${oracle.url}/v1/receipts/${requestId}`);
      return response.ok ? ((await response.json()) as object) : undefined;
    });
    expect(receipt).toMatchObject({ payload: PAYLOAD });
  });

  test.for([
    ["whose server gives other bytes", `ipfs://${CID}/other`, "INPUT_INVALID"],
    ["at a private address", "https://127.0.0.1:1/p", "INPUT_INVALID"],
    ["by a road that is not taken", "http://example.com/p", "INPUT_INVALID"],
    // The contract takes any bytes; PostgreSQL keeps no text with a zero in it.
    ["at a place that is no text", "https://example.com/\0p", "INPUT_INVALID"],
  ] as const)("%s is refused without a model call, and refunded", async ([, payloadUri, code]) => {
    // Its own: a payload that is known by its hash is not fetched again.
    const payload = textPayload(payloadUri);
    const { requestId } = await ask(chain, { payload, payloadUri, deadlineSeconds: 900 });
    await until("the refusal", async () => {
      const response = await fetch(`${oracle.url}/v1/requests/${requestId}`);
      const view = response.ok ? ((await response.json()) as { refusal: string | null }) : undefined;
      return view?.refusal === code ? true : undefined;
    });
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 1 });
    expect(enclave.calls.has(requestId)).toBe(false);
  });
});
