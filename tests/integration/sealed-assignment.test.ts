/** Sealed requests and the oracle: only enclaves that can read a question are asked, and where none lives there is a refund. */

import { x25519 } from "@noble/curves/ed25519.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { NO_REPLY_KEY, sealPayload } from "../../protocol/sealed-payload.ts";
import type { OracleProcess } from "../oracle/support/oracle-process.ts";
import { type StandInEnclave, startStandInEnclave } from "../oracle/support/stand-in-enclave.ts";
import { ask, type TestChain, textPayload, until, untilSettled } from "../oracle/support/test-chain.ts";
import { startTestbed, type Testbed } from "./support/testbed.ts";

let bed: Testbed;
let chain: TestChain;
let enclaves: readonly StandInEnclave[];
let oracle: OracleProcess;

beforeAll(async () => {
  bed = await startTestbed(["one", "two"]);
  ({ chain, enclaves } = bed);
  oracle = await bed.startNode();
  await bed.untilAdmitted();
}, 90_000);

afterAll(() => bed.stop());

async function sealedTo(keysetId: Hex): Promise<Hex> {
  const payload = await sealPayload(fromHex(textPayload("2 + 2?")), {
    // The stand-in decides by itself what it answers: that its key does not open this changes nothing here.
    recipients: [{ keysetId, sealingKey: toHex(x25519.keygen().publicKey) }],
    context: {
      chainId: 31_337n,
      coordinator: chain.deployment.coordinator,
      consumer: (await chain.asker.getAddress()).toLowerCase() as Hex,
      policyId: chain.deployment.policyId,
    },
    replyKey: NO_REPLY_KEY,
  });
  return toHex(payload);
}

async function said(event: string, requestId: Hex): Promise<void> {
  await until(`${event} in the log`, () => {
    const lines = oracle.log().split("\n");
    const found = lines.some((line) => line.includes(event) && line.includes(requestId));
    return Promise.resolve(found ? true : undefined);
  });
}

function callsOf(requestId: Hex): readonly number[] {
  return enclaves.map(({ calls }) => calls.get(requestId) ?? 0);
}

test("each sealed request goes to the enclave that can read it", { timeout: 90_000 }, async () => {
  // Four each: a rendezvous that ignored the recipients would send one of them elsewhere in 255 of 256 runs.
  for (const [index, { keysetId }] of [...enclaves, ...enclaves, ...enclaves, ...enclaves].entries()) {
    const { requestId } = await ask(chain, { payload: await sealedTo(keysetId) });
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 1, status: 1 });
    expect(callsOf(requestId)).toEqual(index % 2 === 0 ? [1, 0] : [0, 1]);
  }
});

test(
  "one whose reader restarts while it is under way is refunded: nobody can read it any more",
  { timeout: 90_000 },
  async () => {
    const [first, second] = enclaves as [StandInEnclave, StandInEnclave];
    let reached: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    first.decide = () => {
      reached();
      return new Promise(() => undefined);
    };
    const payload = await sealedTo(first.keysetId);
    const { requestId } = await ask(chain, { payload, deadlineSeconds: 900 });
    await asked;
    await first.stop();
    const again = await startStandInEnclave("one", Number(new URL(first.url).port));
    expect(again.keysetId).not.toBe(first.keysetId);
    enclaves = [again, second];
    await said("answer.no-reader", requestId);
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 1 });
    expect(callsOf(requestId)).toEqual([0, 0]);
  },
);

test(
  "one that only a dead keyset could read is asked of nobody, said in the log, and refunded",
  { timeout: 90_000 },
  async () => {
    const payload = await sealedTo(`0x${"dd".repeat(32)}`);
    const { requestId } = await ask(chain, { payload, deadlineSeconds: 900 });
    await said("answer.no-reader", requestId);
    await chain.rpc("evm_increaseTime", 1_000);
    await chain.rpc("evm_mine");
    expect(await untilSettled(chain, requestId)).toMatchObject({ fulfilled: 0, refunded: 1 });
    expect(callsOf(requestId)).toEqual([0, 0]);
  },
);
