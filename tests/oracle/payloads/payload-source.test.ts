/** A requester names a server, and both may lie: where it is, what it serves, how much and how fast. */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import { createPinnedFetch, type PinnedFetchOptions } from "../../../oracle/payloads/pinned-fetch.ts";
import { PayloadSource } from "../../../oracle/payloads/payload-source.ts";
import { fromHex, type Hex, toHex, toUtf8 } from "../../../protocol/bytes.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { type HostileServer, startHostileServer } from "../../enclave/support/hostile-server.ts";
import { aRequest } from "../support/requests.ts";
import { wallClockMs } from "../support/wall-clock.ts";

const HOST = "payloads.example";
const authority = await createThrowawayAuthority(new Date(wallClockMs()));
const PAYLOAD: Hex = toHex(toUtf8("a question that is too long for a transaction"));
const MAX_BYTES = 1_000;
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function serve(respond: (response: ServerResponse) => void): Promise<HostileServer> {
  const server = await startHostileServer({ credentials: await authority.issue([HOST]), respond });
  stops.push(server.stop);
  return server;
}

/** Loopback stands for the public internet, but where a test says otherwise. */
function source(
  change: Partial<PinnedFetchOptions> = {},
  ipfsGateways: readonly string[] = [],
): PayloadSource {
  const fetch = createPinnedFetch({
    resolve: () => Promise.resolve(["127.0.0.1"]),
    timeoutMs: 5_000,
    maxBytes: MAX_BYTES,
    certificateAuthorities: [authority.certificate],
    isAllowed: (address) => address === "127.0.0.1",
    ...change,
  });
  return new PayloadSource({ fetch, ipfsGateways, maxFetches: 2 });
}

function find(from: PayloadSource, uri: string, payload: Hex = PAYLOAD): Promise<Hex> {
  const request = aRequest({ payloadHash: keccak(fromHex(payload)), payloadUriHash: keccak(toUtf8(uri)) });
  const open = {
    chainId: 1,
    requestId: "0x" as Hex,
    request: "",
    payload: "0x" as Hex,
    payloadUri: uri,
    deadline: 0,
    blockTime: 0,
    blockHash: `0x${"0b".repeat(32)}` as const,
    blockNumber: 0,
    releasedAt: 0,
  };
  return from.find(open, request, new AbortController().signal);
}

const good = (response: ServerResponse): void => void response.end(fromHex(PAYLOAD));

describe("a payload by URI", () => {
  test("is fetched over TLS from the host of the URI, once", async () => {
    const server = await serve(good);
    const payloads = source();
    const uri = `https://${HOST}:${server.port}/p?q=1`;
    expect(await find(payloads, uri)).toBe(PAYLOAD);
    expect(await find(payloads, uri)).toBe(PAYLOAD);
    expect(server.received.filter((text) => text.startsWith("GET /p?q=1"))).toHaveLength(1);
    expect(server.received.join("")).toContain(`"host":"${HOST}:${server.port}"`);
  });

  test("that is not served holds up no more than its share, and nothing that is in its event", async () => {
    const held: ServerResponse[] = [];
    const server = await serve((response) => void held.push(response));
    const payloads = source();
    const slow = [1, 2].map((path) => find(payloads, `https://${HOST}:${server.port}/${path}`));
    await expect.poll(() => held.length, { interval: 5 }).toBe(2);
    await expect(find(payloads, `https://${HOST}:${server.port}/3`)).rejects.toMatchObject({
      ...{ code: "PAYLOAD_UNAVAILABLE", retryable: true },
    });
    expect(held).toHaveLength(2);
    for (const response of held) good(response);
    expect(await Promise.all(slow)).toEqual([PAYLOAD, PAYLOAD]);
    expect(await find(payloads, `https://${HOST}:${server.port}/3`)).toBe(PAYLOAD);
  });

  test("in the event needs no network", async () => {
    const payloads = source({ resolve: () => Promise.reject(new Error("nobody is asked")) });
    const open = { payloadUri: "", payload: PAYLOAD } as Parameters<PayloadSource["find"]>[0];
    expect(await payloads.find(open, aRequest(), new AbortController().signal)).toBe(PAYLOAD);
  });

  test.for<[string, (response: ServerResponse) => void, string]>([
    ["other bytes", (response) => response.end("something else"), "INPUT_INVALID"],
    ["no bytes", (response) => response.end(), "INPUT_INVALID"],
    [
      "a redirect, even to itself",
      (response) => response.writeHead(302, { location: "https://127.0.0.1/" }).end(),
      "INPUT_INVALID",
    ],
    [
      "more than a payload has, as it says itself",
      (response) => response.end(Buffer.alloc(MAX_BYTES + 1)),
      "INPUT_TOO_LARGE",
    ],
    [
      "more than a payload has, bit by bit and without end",
      (response) => {
        const more = (): void => void response.write(Buffer.alloc(MAX_BYTES), () => setImmediate(more));
        more();
      },
      "INPUT_TOO_LARGE",
    ],
    ["an error", (response) => response.writeHead(500).end(), "PAYLOAD_UNAVAILABLE"],
    ["that it is not there", (response) => response.writeHead(404).end(), "PAYLOAD_UNAVAILABLE"],
    [
      "a body that is cut short",
      (response) => {
        response.writeHead(200, { "content-length": 500 });
        response.write("half", () => response.destroy());
      },
      "PAYLOAD_UNAVAILABLE",
    ],
  ])("is refused when the server answers %s", async ([, respond, code]) => {
    const server = await serve(respond);
    await expect(find(source(), `https://${HOST}:${server.port}/`)).rejects.toMatchObject({ code });
  });

  test.for<[string, (response: ServerResponse) => void]>([
    ["says nothing", () => undefined],
    ["begins and does not go on", (response) => void response.write("a")],
  ])("is unavailable when the server %s", async ([, respond]) => {
    const server = await serve(respond);
    const payloads = source({ timeoutMs: 200 });
    await expect(find(payloads, `https://${HOST}:${server.port}/`)).rejects.toMatchObject({
      code: "PAYLOAD_UNAVAILABLE",
      retryable: true,
    });
  });

  test.for<[string, string]>([
    ["another name", "other.example"],
    ["an address in place of the name", "127.0.0.1"],
  ])("is not taken from a server whose certificate is for %s", async ([, name]) => {
    const server = await serve(good);
    await expect(find(source(), `https://${name}:${server.port}/`)).rejects.toMatchObject({
      code: "PAYLOAD_UNAVAILABLE",
    });
  });
});

describe("a private address", () => {
  const withoutTest = { isAllowed: undefined } as unknown as Partial<PinnedFetchOptions>;

  test.for([
    ["that the name resolves to", HOST, ["10.0.0.1"]],
    ["among public ones", HOST, ["8.8.8.8", "169.254.169.254"]],
    ["that the URI names", "127.0.0.1", []],
    ["that the URI names as a number", "2130706433", []],
    ["that the URI names in octal", "0177.0.0.1", []],
    ["of IPv6 that the URI names", "[::1]", []],
    ["of IPv6 that carries one of IPv4", "[::ffff:10.0.0.1]", []],
  ] as const)("%s is not connected to", async ([, host, addresses]) => {
    const server = await serve(good);
    const payloads = source({ ...withoutTest, resolve: () => Promise.resolve(addresses) });
    await expect(find(payloads, `https://${host}:${server.port}/`)).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
    expect(server.received).toEqual([]);
  });

  test("that the name has the second time it is asked for is never reached: it is asked for once", async () => {
    const server = await serve(good);
    let asked = 0;
    const resolve = (): Promise<string[]> => {
      asked += 1;
      return Promise.resolve(asked === 1 ? ["127.0.0.1"] : ["10.0.0.1"]);
    };
    expect(await find(source({ resolve }), `https://${HOST}:${server.port}/`)).toBe(PAYLOAD);
    expect(asked).toBe(1);
  });

  test("is where an operator's ipfs gateway may be, and what it serves is checked as well", async () => {
    const cid = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
    const paths: string[] = [];
    const gateway = createServer((request, response) => {
      paths.push(request.url ?? "");
      response.end(paths.length === 1 ? "a lie" : fromHex(PAYLOAD));
    });
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
    stops.push(async () => {
      gateway.closeAllConnections();
      await new Promise((resolve) => gateway.close(resolve));
    });
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    await expect(find(source(withoutTest, [url]), `ipfs://${cid}`)).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
    paths.length = 0;
    expect(await find(source(withoutTest, [url, url]), `ipfs://${cid}`)).toBe(PAYLOAD);
    expect(paths).toEqual([`/ipfs/${cid}`, `/ipfs/${cid}`]);
  });
});
