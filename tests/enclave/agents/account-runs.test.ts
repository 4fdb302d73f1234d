/** Runs for an AgentAccount in a real enclave: signed for the account, once for each slot, with a receipt that verifies and replays. */

import { AbiCoder } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { verifyReceipt } from "../../../attestation/receipt/verify-receipt.ts";
import { loadSandbox } from "../../../cli/replay/load-sandbox.ts";
import { AgentAccount__factory } from "../../../contracts/bindings/factories/AgentAccount__factory.ts";
import { checkSignedRun, toRunReceipt } from "../../../oracle/agents/signed-run.ts";
import { isIdleRun } from "../../../protocol/agent-grant.ts";
import { encodeProgram, programHash } from "../../../protocol/agent-program.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import type { Hex } from "../../../protocol/bytes.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { AccountRunCall, toAccountRun } from "../../../runtime/agents/account-run.ts";
import { replayReceipt } from "../../../runtime/agents/replay.ts";
import { describeBlock } from "../../runtime/evm/support/described-block.ts";
import { startAgentNetwork, type AgentNetwork } from "../support/agent-network.ts";
import { CREDENTIAL } from "../support/configuration.ts";

const ACCOUNT: Hex = `0x${"ac".repeat(20)}`;
const SLOT = 600n;
const PROGRAM = encodeProgram(
  `export default (input, host) => {
    if (input !== null || host.run.trigger !== "slot" || host.run.block.number !== "100") throw new Error("what is this?");
    return { calls: [{ target: "${ACCOUNT}", value: "0", data: "0x01020304" }] };
  };`,
  { output: "((address target, uint256 value, bytes data)[] calls)" },
);

let network: AgentNetwork;
beforeAll(async () => {
  network = await startAgentNetwork();
});
afterAll(async () => {
  await network.stop();
});

function encodeGrant(program: Hex): Hex {
  const type = AgentAccount__factory.createInterface().getFunction("propose").inputs[0];
  const grant = {
    ...{ programHash: program, policyId: keccakText("policy"), validUntil: 2n ** 40n - 1n },
    ...{ slotSeconds: SLOT, lifetimeSeconds: 0n, windowSeconds: 86_400n, maxCalls: 4n, maxIdleClaims: 9n },
    ...{ followsPolicy: false, fee: 7n, gasPriceCap: 8n, valuePerWindow: 9n },
    ...{ callers: [], permissions: [], tokens: [] },
  };
  return AbiCoder.defaultAbiCoder().encode([type ?? ""], [grant]) as Hex;
}

function callOf(slot: bigint, program = programHash(PROGRAM)): AccountRunCall {
  const start = slot * SLOT;
  const parent = describeBlock({ number: 99n, timestamp: start - 1n });
  const block = describeBlock({ number: 100n, timestamp: start + 3n, parentHash: parent.hash });
  const grant = encodeGrant(program);
  return { chainId: 31_337n, account: ACCOUNT, grant, nonce: slot, input: "0x", block, parent };
}

const present = (): bigint => BigInt(Math.floor(new Date().getTime() / 1000)) / SLOT;
const ask = (call: AccountRunCall): ReturnType<AgentNetwork["enclave"]["call"]> =>
  network.enclave.call(
    "POST",
    "/v1/agents/account-runs",
    JSON.stringify(z.encode(AccountRunCall, call)),
    `Bearer ${CREDENTIAL}`,
  );

test("a slot's run is signed for the account, the same bytes each time, and its receipt verifies and replays", async () => {
  const call = callOf(present());
  // Before the program is there nothing is signed, so that nobody ends the slot.
  expect((await ask(call)).status).toBe(404);
  expect(await network.enclave.call("PUT", "/v1/programs", Buffer.from(PROGRAM).toString())).toMatchObject({
    status: 200,
  });
  const { status, text, json } = await ask(call);
  expect(status).toBe(200);
  const signed = SignedAnswer.parse(json);
  const attested = await network.enclave.call("GET", `/v1/attestation?nonce=${keccakText("nonce")}`);
  const { keyset } = AttestationReply.parse(attested.json);
  const run = toAccountRun(call);
  checkSignedRun(run, signed, keyset);
  expect(isIdleRun(signed.answer.status, signed.output)).toBe(false);
  expect((await ask(call)).text).toBe(text);

  const { receipt } = await verifyReceipt(toRunReceipt(run, signed, keyset));
  expect(receipt).toMatchObject({
    domain: { verifyingContract: ACCOUNT },
    request: { nonce: run.run.nonce },
  });
  const { end } = await replayReceipt(receipt, loadSandbox());
  expect(end.outcome).toBe("returned");
  const another = toAccountRun(callOf(present() + 1n));
  expect(() => {
    checkSignedRun(another, signed, keyset);
  }).toThrow("not signed by its keyset for this run");
  await expect(verifyReceipt(toRunReceipt(another, signed, keyset))).rejects.toMatchObject({
    details: { check: "request" },
  });
});

test("a slot that is far from the enclave's time is not run", async () => {
  for (const slot of [present() + 3n, present() - 3n]) {
    const { status, json } = await ask(callOf(slot));
    expect([status, json]).toMatchObject([502, { error: { code: "ENCLAVE_TIME_OUTSIDE" } }]);
  }
});

test("terms that no account takes are refused", async () => {
  const call = callOf(present());
  const { status, json } = await ask({ ...call, parent: null });
  expect([status, json]).toMatchObject([400, { error: { code: "INPUT_INVALID" } }]);
});
