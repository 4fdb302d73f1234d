/** What a run for an AgentAccount follows from: one run for each slot and each input, and no field that a submitter chooses. */

import { AbiCoder } from "ethers";
import { expect, test } from "vitest";
import { AgentAccount__factory } from "../../../contracts/bindings/factories/AgentAccount__factory.ts";
import { decodeAgentGrant, isIdleRun, NO_CALLS } from "../../../protocol/agent-grant.ts";
import { agentRunId } from "../../../protocol/agent-run.ts";
import { AnswerStatus } from "../../../protocol/answer.ts";
import { fromHex, type Hex } from "../../../protocol/bytes.ts";
import { decodePayload } from "../../../protocol/payload.ts";
import { keccak, keccakText } from "../../../protocol/struct-hash.ts";
import { toAccountRun, type AccountRunCall } from "../../../runtime/agents/account-run.ts";
import { describeBlock } from "../evm/support/described-block.ts";

const ACCOUNT: Hex = `0x${"ac".repeat(20)}`;
const SLOT = 600n;
const START = 3_000_000n * SLOT;

function encodeGrant(change: object = {}): Hex {
  const type = AgentAccount__factory.createInterface().getFunction("propose").inputs[0];
  const grant = {
    ...{ programHash: keccakText("program"), policyId: keccakText("policy"), validUntil: 2n ** 40n - 1n },
    ...{ slotSeconds: SLOT, lifetimeSeconds: 0n, windowSeconds: 86_400n, maxCalls: 4n, maxIdleClaims: 9n },
    ...{ followsPolicy: false, fee: 7n, gasPriceCap: 8n, valuePerWindow: 9n, callers: [] },
    permissions: [
      {
        ...{ target: ACCOUNT, selector: "0x01020304", minGas: 5n },
        limits: [{ word: 1n, rule: 1n, values: [keccakText("limit")] }],
      },
    ],
    tokens: [{ token: ACCOUNT, perWindow: 11n }],
    ...change,
  };
  return AbiCoder.defaultAbiCoder()
    .encode([type ?? ""], [grant])
    .toLowerCase() as Hex;
}

const parent = describeBlock({ number: 99n, timestamp: START - 1n });
const block = describeBlock({ number: 100n, timestamp: START, parentHash: parent.hash });

const slotCall = (change: Partial<AccountRunCall> = {}): AccountRunCall => ({
  ...{ chainId: 31_337n, account: ACCOUNT, grant: encodeGrant(), nonce: START / SLOT, input: "0x" },
  ...{ block, parent },
  ...change,
});

test("a slot's run follows from its grant, its number and its first block", () => {
  const { run, requestId, grant, payload, stateBlock, trigger } = toAccountRun(slotCall());
  expect(run).toEqual({
    ...{ chainId: 31_337n, account: ACCOUNT, grantId: keccak(fromHex(encodeGrant())) },
    ...{ programHash: keccakText("program"), inputHash: keccakText(""), policyId: keccakText("policy") },
    ...{ requestedAt: START, nonce: START / SLOT, stateBlockHash: block.hash, deadline: START + SLOT },
  });
  expect(requestId).toBe(agentRunId(run));
  expect(grant).toMatchObject({ fee: 7n, maxIdleClaims: 9, slotSeconds: SLOT });
  expect(stateBlock).toEqual({ number: 100n, hash: block.hash });
  expect(trigger).toBe("slot");
  expect(decodePayload(payload)).toMatchObject({ call: { programHash: keccakText("program") } });
});

test("an input's run is of the block that it was committed in", () => {
  const call = slotCall({
    grant: encodeGrant({ slotSeconds: 0n, lifetimeSeconds: 50n, callers: [ACCOUNT] }),
    nonce: 3n,
    input: "0x0102",
    parent: null,
  });
  const { run, trigger } = toAccountRun(call);
  expect(run).toMatchObject({
    ...{ inputHash: keccak(Uint8Array.of(1, 2)), requestedAt: START, deadline: START + 50n, nonce: 3n },
  });
  expect(trigger).toBe("request");
  expect(() => toAccountRun({ ...call, parent })).toThrow("names one block");
});

test.for<[string, Partial<AccountRunCall>, string]>([
  [
    "of a later block of the slot",
    { block: describeBlock({ number: 101n, timestamp: START + 12n, parentHash: block.hash }), parent: block },
    "not the first of its slot",
  ],
  [
    "of a block from before the slot",
    { block: parent, parent: describeBlock({ number: 98n, timestamp: START - 2n }) },
    "another block's",
  ],
  ["of a slot that has not begun", { nonce: START / SLOT + 1n }, "from before the slot"],
  ["of a slot that is over", { nonce: START / SLOT - 1n }, "from after the slot"],
  ["without its block's parent", { parent: null }, "names the parent"],
  [
    "with another parent",
    { parent: describeBlock({ number: 99n, timestamp: START - 3n }) },
    "another block's",
  ],
  ["with a header that was changed", { block: { ...block, timestamp: "0x1" } }, "hash to"],
  ["with an input", { input: "0x00" }, "has no input"],
  ["of a slot beyond time", { nonce: 2n ** 63n }, "beyond any time"],
  ["of what is no grant", { grant: "0x00" }, "not abi.encode(grant)"],
  ["of a grant with bytes behind it", { grant: `${encodeGrant()}00` }, "not abi.encode(grant)"],
])("a run %s is refused", ([, change, message]) => {
  expect(() => toAccountRun(slotCall(change))).toThrow(message);
});

test("every field of a grant is under its id", () => {
  const id = decodeAgentGrant(fromHex(encodeGrant())).id;
  for (const change of [{ fee: 8n }, { maxCalls: 5n }, { tokens: [] }, { valuePerWindow: 1n }])
    expect(decodeAgentGrant(fromHex(encodeGrant(change))).id).not.toBe(id);
});

test("a run is idle that returns no calls, or ends badly", () => {
  expect(NO_CALLS).toBe(AbiCoder.defaultAbiCoder().encode(["tuple(address,uint256,bytes)[]"], [[]]));
  expect(isIdleRun(AnswerStatus.ok, NO_CALLS)).toBe(true);
  expect(isIdleRun(AnswerStatus.programFailed, "0x")).toBe(true);
  expect(isIdleRun(AnswerStatus.ok, "0x")).toBe(false);
  expect(isIdleRun(AnswerStatus.upstreamFailed, "0x")).toBe(false);
});
