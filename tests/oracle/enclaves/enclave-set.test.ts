import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EnclaveAddress, EnclaveSession } from "../../../oracle/enclaves/enclave-session.ts";
import { EnclaveSet } from "../../../oracle/enclaves/enclave-set.ts";
import { createLogger } from "../../../oracle/log.ts";
import { UpstreamError } from "../../../protocol/errors.ts";

const RETRY_MS = 1_000;
const [FIRST, SECOND] = ["https://10.0.0.1:1", "https://10.0.0.2:1"].map((url): EnclaveAddress => ({
  url,
  callerToken: "token",
  secrets: [],
})) as [EnclaveAddress, EnclaveAddress];

let set: EnclaveSet;
/** How each address takes a connection. */
let connect: (address: EnclaveAddress) => Promise<EnclaveSession>;
let health: () => Promise<void>;
let closed: string[];

const sessionOf = ({ url }: EnclaveAddress): EnclaveSession =>
  ({
    url,
    keysetId: `0x${url.charCodeAt(15).toString(16).padStart(64, "0")}`,
    attestation: { keyset: { payee: "0x" } },
    client: { checkHealth: () => health(), close: () => closed.push(url) },
  }) as unknown as EnclaveSession;

const unavailable = (details: Record<string, string | number | boolean>): UpstreamError =>
  new UpstreamError({ code: "ENCLAVE_UNAVAILABLE", message: "the enclave cannot be reached", details });

beforeEach(() => {
  vi.useFakeTimers();
  closed = [];
  health = () => Promise.resolve();
  connect = (address) => Promise.resolve(sessionOf(address));
});

function start(): void {
  set = new EnclaveSet({
    addresses: [FIRST, SECOND],
    connect: (address) => connect(address),
    isAdmitted: () => true,
    onConnected: () => undefined,
    log: createLogger({ level: "error", write: () => undefined, now: () => 0 }),
  });
}

afterEach(async () => {
  const stopped = set.stop();
  await vi.advanceTimersByTimeAsync(RETRY_MS);
  await stopped;
  vi.useRealTimers();
});

const rounds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * RETRY_MS);
const urls = (): string[] => set.sessions.map(({ url }) => url).sort();

test("an enclave whose host lets the connection wait keeps no other from coming back", async () => {
  const late = Promise.withResolvers<EnclaveSession>();
  let tries = 0;
  connect = (address) => {
    if (address === SECOND) return Promise.resolve(sessionOf(SECOND));
    tries += 1;
    return late.promise;
  };
  start();
  await rounds(2);
  expect(urls()).toEqual([SECOND.url]);
  set.drop(set.sessions[0]!, unavailable({}));
  expect(urls()).toEqual([]);
  await rounds(2);
  expect(urls()).toEqual([SECOND.url]);
  expect(tries).toBe(1);
  late.resolve(sessionOf(FIRST));
  await rounds(1);
  expect(urls()).toEqual([FIRST.url, SECOND.url]);
});

test("whoever connects while the node stops is closed too", async () => {
  const late = Promise.withResolvers<EnclaveSession>();
  connect = (address) => (address === FIRST ? late.promise : Promise.resolve(sessionOf(address)));
  start();
  await rounds(1);
  const stopped = set.stop();
  await rounds(1);
  late.resolve(sessionOf(FIRST));
  await stopped;
  expect(closed.sort()).toEqual([FIRST.url, SECOND.url]);
});

test.for<[string, Record<string, string | number | boolean>, boolean]>([
  ["is gone", { timedOut: false }, true],
  ["does not answer in time", { timedOut: true }, true],
  ["answers that it is busy", { timedOut: false, status: 503 }, false],
])("an enclave that %s at the look after its health", async ([, details, isDropped]) => {
  start();
  await rounds(1);
  expect(urls()).toEqual([FIRST.url, SECOND.url]);
  connect = () => Promise.reject(unavailable({}));
  health = () => Promise.reject(unavailable(details));
  await rounds(2);
  expect(urls()).toEqual(isDropped ? [] : [FIRST.url, SECOND.url]);
});
