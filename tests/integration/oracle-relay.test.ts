import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RequestView } from "../../oracle/store/index-queries.ts";
import { settlesLate } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import type { StandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { describeStores, type TestStore } from "../oracle/support/stores.ts";
import {
  ask,
  FALLBACK_WINDOW_SECONDS,
  mempoolOf,
  outcomeOf,
  type TestChain,
  textPayload,
  TRANSMITTER_KEYS,
  until,
  untilSettled,
} from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

let bed: Testbed;
let store: TestStore;
let chain: TestChain;
let enclave: StandInEnclave;

beforeEach(async () => {
  bed = await startTestbed();
  ({ chain, enclave } = bed);
});

afterEach(async ({ task }) => {
  await bed.stop(task);
  await store.remove();
});

function start(chainChange: object = {}, change: object = {}): Promise<OracleProcess> {
  return bed.startNode({ store: store.config, chainChange, change });
}

async function phaseOf(url: string, requestId: Hex): Promise<string | undefined> {
  const response = await fetch(`${url}/v1/requests/${requestId}`);
  return response.ok ? ((await response.json()) as { phase: string }).phase : undefined;
}

/** Waits for a transaction to `to` in the mempool, sends the same calldata from another account for more, and mines both. */
async function frontRun(to: Hex): Promise<{ readonly original: string; readonly copier: string }> {
  const seen = await until(`transaction to ${to}`, async () => {
    const pool = await mempoolOf(chain);
    return pool.find((transaction) => transaction.to.toLowerCase() === to);
  });
  const copier = await (await chain.provider.getSigner(9)).getAddress();
  const fee = `0x${(BigInt(seen.maxFeePerGas) * 3n).toString(16)}`;
  const gas = { gas: seen.gas, maxFeePerGas: fee, maxPriorityFeePerGas: fee };
  await chain.rpc("eth_sendTransaction", { from: copier, to, data: seen.input, ...gas });
  await chain.rpc("evm_mine");
  return { original: seen.from.toLowerCase(), copier: copier.toLowerCase() };
}

async function senderOf(tx: Hex | undefined): Promise<string | undefined> {
  return (await chain.provider.getTransaction(tx ?? ""))?.from.toLowerCase();
}

const LIFETIME_SECONDS = 900;

async function readView(url: string, requestId: Hex): Promise<RequestView | undefined> {
  const response = await fetch(`${url}/v1/requests/${requestId}`);
  return response.ok ? ((await response.json()) as RequestView) : undefined;
}

async function readAnswer(
  url: string,
  requestId: Hex,
): Promise<NonNullable<RequestView["answer"]> | undefined> {
  return (await readView(url, requestId))?.answer ?? undefined;
}

async function readDeadline(url: string, requestId: Hex): Promise<number | undefined> {
  const view = await readView(url, requestId);
  return view === undefined ? undefined : Number((view.request as { readonly deadline: string }).deadline);
}

describeStores("the oracle as a process", (createStore) => {
  beforeEach(async () => {
    store = await createStore();
  });

  test("admits the enclave, relays a request, serves its receipt, and stops when asked to", async () => {
    const running = await start();
    const { url } = running;
    const { requestId } = await ask(chain);
    const outcome = await untilSettled(chain, requestId);
    expect(outcome).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
    const receipt = await until("receipt", async () => {
      const response = await fetch(`${url}/v1/receipts/${requestId}`);
      return response.ok ? ((await response.json()) as { answer: { requestId: string } }) : undefined;
    });
    expect(receipt.answer.requestId).toBe(requestId);
    expect(await running.stop("SIGTERM")).toBe(0);
  });

  test("killed between reading the event and sending the transaction, it fulfils exactly once after its restart", async () => {
    let reached: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    enclave.decide = async () => {
      reached();
      await held;
      return { status: 1 };
    };
    const first = await start();
    const { requestId } = await ask(chain);
    await asked;
    await first.stop("SIGKILL");
    release();
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 0 });
    await start();
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, refunded: 0, status: 1 });
    // A second transaction would be in one of the next blocks.
    await chain.rpc("anvil_mine", 3);
    expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 1 });
    expect(enclave.calls.get(requestId)).toBe(1);
  });

  test("serves what offers its quote, and lets what offers less, or repays too little gas, end in a refund", async () => {
    const perRequest = "5000000";
    const { url } = await start({ prices: { models: { "*": { perRequest } } } });
    const payload = textPayload("2 + 2?");
    const quote = await until("quote", async () => {
      const response = await fetch(`${url}/v1/quote?chainId=31337&payload=${payload}&callbackGasLimit=50000`);
      return response.ok ? ((await response.json()) as Record<string, string>) : undefined;
    });
    expect(quote).toMatchObject({ fee: perRequest });
    const fee = BigInt(quote["fee"] ?? 0);
    const gasPriceCap = BigInt(quote["gasPriceCap"] ?? 0);
    const served = await ask(chain, { fee, gasPriceCap, value: BigInt(quote["escrow"] ?? 0) });
    expect(await untilSettled(chain, served.requestId)).toMatchObject({ fulfilled: 1, status: 1 });
    const cheap = await ask(chain, { fee: fee - 1n, deadlineSeconds: 900 });
    const dry = await ask(chain, { fee, gasPriceCap: 1n, deadlineSeconds: 900 });
    await until("refusal", async () =>
      (await phaseOf(url, cheap.requestId)) === "refused" ? true : undefined,
    );
    const view = (await (await fetch(`${url}/v1/requests/${cheap.requestId}`)).json()) as object;
    expect(view).toMatchObject({ refusal: "INPUT_FEE_TOO_LOW" });
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    for (const { requestId } of [cheap, dry]) {
      expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 1 });
      expect(enclave.calls.has(requestId)).toBe(false);
    }
  });

  test("relays with a key that a remote signer keeps", async () => {
    const address = (await (await chain.provider.getSigner(3)).getAddress()).toLowerCase();
    // anvil is a signer too: it speaks the same two methods for its own accounts.
    const remote = { kind: "remote", address, url: chain.anvil.url };
    await start({}, { transmitterKeys: [remote] });
    const { requestId } = await ask(chain);
    const outcome = await untilSettled(chain, requestId);
    expect(outcome).toMatchObject({ fulfilled: 1, status: 1 });
    expect(await senderOf(outcome.tx)).toBe(address);
  });

  test("goes on with its other keys while one of them is behind a signer that is away", async () => {
    const address = (await (await chain.provider.getSigner(3)).getAddress()).toLowerCase();
    const away = { kind: "remote", address, url: `unix:${join(bed.directory, "no.sock")}` };
    const key = join(bed.directory, "own-key");
    writeFileSync(key, TRANSMITTER_KEYS[0] ?? "");
    const node = await start({}, { transmitterKeys: [away, { kind: "raw", file: key }] });
    const { requestId } = await ask(chain);
    const outcome = await untilSettled(chain, requestId);
    expect(outcome).toMatchObject({ fulfilled: 1, status: 1 });
    expect(await senderOf(outcome.tx)).not.toBe(address);
    expect(node.log()).toContain('"event":"signer.unavailable"');
  });

  test("a registration and a fulfilment copied from the mempool still serve the payee, and end the request", async () => {
    await chain.rpc("evm_setAutomine", false);
    const { url } = await start();
    const admission = await frontRun(chain.deployment.enclaveRegistry);
    const sent = ask(chain);
    const { requestId } = await until("request", async () => {
      await chain.rpc("evm_mine");
      return Promise.race([sent, new Promise<undefined>((resolve) => setTimeout(resolve, 50, undefined))]);
    });
    const fulfillment = await frontRun(chain.deployment.coordinator);
    const outcome = await outcomeOf(chain, requestId);
    expect(outcome).toMatchObject({ fulfilled: 1, status: 1 });
    expect(await senderOf(outcome.tx)).toBe(fulfillment.copier);
    expect(admission.copier).toBe(fulfillment.copier);
    expect(await chain.coordinator.creditOf(enclave.payee)).toBeGreaterThan(0n);
    expect(await chain.coordinator.creditOf(fulfillment.copier)).toBe(0n);
    expect(await chain.coordinator.creditOf(fulfillment.original)).toBe(0n);
    await until("settled phase", async () =>
      (await phaseOf(url, requestId)) === "settled" ? true : undefined,
    );
    await chain.rpc("evm_setAutomine", true);
    const next = await ask(chain);
    expect(await untilSettled(chain, next.requestId)).toMatchObject({ fulfilled: 1 });
  });

  test("no request ends in silence: each status is delivered, and what the enclave refuses is refunded", async () => {
    const { url } = await start();
    const wanted = [2, 3, 4, 5, 6, 7] as const;
    const asked = new Map<Hex, number>();
    let next = 0;
    enclave.decide = (id) => {
      const status = wanted[next];
      next += 1;
      if (status === undefined) return { http: 400, code: "INPUT_INVALID" };
      asked.set(id, status);
      return { status };
    };
    const requests: { readonly requestId: Hex; readonly deadline: number }[] = [];
    for (let count = 0; count <= wanted.length; count += 1) {
      const { requestId } = await ask(chain, { deadlineSeconds: LIFETIME_SECONDS });
      const deadline = await until("the request in the index", () => readDeadline(url, requestId));
      requests.push({ requestId, deadline });
      await until("the enclave's call", () =>
        Promise.resolve(enclave.calls.has(requestId) ? true : undefined),
      );
    }
    const isLate = ({ requestId }: { readonly requestId: Hex }): boolean =>
      settlesLate(asked.get(requestId) ?? 0);
    const answered = requests.slice(0, wanted.length);
    for (const { requestId } of answered.filter((one) => !isLate(one))) {
      const status = asked.get(requestId);
      expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, refunded: 0, status });
    }
    // What a host can cause is told at once, and settled only in the last window before the deadline.
    for (const { requestId, deadline } of answered.filter(isLate)) {
      const view = await until("the reason in the index", () => readAnswer(url, requestId));
      expect(view).toMatchObject({ status: asked.get(requestId), isBound: true });
      expect(view.settlesFrom).toBe(deadline - FALLBACK_WINDOW_SECONDS);
      expect(await outcomeOf(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 0 });
    }
    const refused = requests[wanted.length]?.requestId ?? "0x";
    await chain.rpc("evm_increaseTime", LIFETIME_SECONDS - FALLBACK_WINDOW_SECONDS);
    for (const { requestId } of answered.filter(isLate)) {
      const outcome = await until("the window before the deadline", async () => {
        await chain.rpc("evm_mine");
        const found = await outcomeOf(chain, requestId);
        return found.fulfilled + found.refunded > 0 ? found : undefined;
      });
      expect(outcome).toMatchObject({ fulfilled: 1, refunded: 0, status: asked.get(requestId) });
    }
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    expect(await untilSettled(chain, refused)).toMatchObject({ fulfilled: 0, refunded: 1 });
  });
});
