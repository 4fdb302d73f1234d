/** The enclave's process answers an entry, and signs the snapshot that settles it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { appendEntry, NO_ENTRY, type LedgerName } from "../../../coprocessor/ledger/entry.ts";
import { keccakTreeHash } from "../../../coprocessor/ledger/keccak-tree-hash.ts";
import { parseRows, RowKind } from "../../../coprocessor/ledger/row.ts";
import { snapshotDigest } from "../../../coprocessor/ledger/snapshot.ts";
import { toStatePathWire } from "../../../coprocessor/ledger/state-path.ts";
import { StateTree } from "../../../coprocessor/ledger/state-tree.ts";
import { judgeEpoch } from "../../../coprocessor/snapshots/judge-epoch.ts";
import { LedgerAnswerCall } from "../../../coprocessor/snapshots/ledger-answer-call.ts";
import { SnapshotCall, SnapshotReply } from "../../../coprocessor/snapshots/snapshot-call.ts";
import { startStandInModel, type StandInModel } from "../../../devnet/stand-in-model.ts";
import { recoverSigner } from "../../../protocol/answer.ts";
import { fromHex, toHex } from "../../../protocol/bytes.ts";
import { AttestationReply, SignedAnswer } from "../../../protocol/enclave-api.ts";
import { encodePayload, PayloadType, payloadHash } from "../../../protocol/payload.ts";
import { SAMPLE_LEDGER, sampleKey } from "../../support/sample-snapshot.ts";
import { prompt } from "../support/calls.ts";
import { behaviourFile, CHAIN_ID, COORDINATOR, operatorFile } from "../support/configuration.ts";
import { startEnclaveProcess, type EnclaveProcess } from "../support/enclave-process.ts";

let model: StandInModel;
let enclave: EnclaveProcess;
beforeAll(async () => {
  model = await startStandInModel(new Date());
  enclave = await startEnclaveProcess({ behaviour: behaviourFile(model), operator: operatorFile() });
}, 60_000);
afterAll(async () => {
  expect(enclave.stderr()).toBe("");
  expect(await enclave.stop()).toBe(0);
  await model.stop();
});

const ledger: LedgerName = { ...SAMPLE_LEDGER, chainId: CHAIN_ID, ledger: COORDINATOR };
const payload = encodePayload({ type: PayloadType.inference, prompt: prompt() });
const recordedAt = BigInt(Math.floor(new Date().getTime() / 1000));
const closing = {
  entry: appendEntry(NO_ENTRY, sampleKey(1), payloadHash(payload)),
  blockNumber: 7n,
  recordedAt,
};
const stateBlock = { number: 7n, hash: sampleKey(7) };
const answerCall: LedgerAnswerCall = {
  ledger,
  position: 1n,
  previous: NO_ENTRY,
  key: sampleKey(1),
  payload: toHex(payload),
  closing,
  stateBlock,
};
const post = (path: string, body: unknown) => enclave.call("POST", path, JSON.stringify(body));

test("an entry is answered, its snapshot signed, and another content of that epoch refused", async () => {
  const attestation = await enclave.call("GET", `/v1/attestation?nonce=0x${"00".repeat(32)}`);
  const { keyset } = z.decode(AttestationReply, attestation.json as z.input<typeof AttestationReply>);
  const answered = await post("/v1/ledger-answers", z.encode(LedgerAnswerCall, answerCall));
  const { answer, signature, output } = z.decode(SignedAnswer, answered.json as z.input<typeof SignedAnswer>);
  expect(answer.stateBlockHash).toBe(stateBlock.hash);

  const key = sampleKey(1);
  const state = StateTree.empty(keccakTreeHash);
  const call: SnapshotCall = {
    ledger,
    epoch: 0n,
    oldRoot: state.root,
    opening: { position: 0n, entry: NO_ENTRY },
    closing,
    stateBlock,
    members: [{ keysetId: answer.keysetId, answerKey: keyset.answerKey }],
    entries: [
      { key, payloadHash: payloadHash(payload), answers: [{ member: 0, answer, signature, output }] },
    ],
    paths: [toStatePathWire(key, state.path(key))],
  };
  const signed = SnapshotReply.parse((await post("/v1/snapshots", z.encode(SnapshotCall, call))).json);
  expect(parseRows(fromHex(signed.rows))).toMatchObject([{ kind: RowKind.signed, key, seq: 1n }]);
  const digest = snapshotDigest(ledger, judgeEpoch(call).statement);
  expect(recoverSigner(digest, signed.signature)).toBe(keyset.answerKey);
  expect((await post("/v1/snapshots", z.encode(SnapshotCall, call))).json).toEqual(signed);

  const other: SnapshotCall = {
    ...call,
    members: [...call.members, { keysetId: sampleKey(9), answerKey: COORDINATOR }],
  };
  expect((await post("/v1/snapshots", z.encode(SnapshotCall, other))).status).toBe(409);
});

test.for([
  [
    "a state block that is not the checkpoint's",
    { ...answerCall, stateBlock: { ...stateBlock, number: 8n } },
  ],
  ["a ledger that is not served", { ...answerCall, ledger: { ...ledger, chainId: 1n } }],
] as const)("an entry with %s is answered by nobody", async ([, call]) => {
  const reply = await post("/v1/ledger-answers", z.encode(LedgerAnswerCall, call));
  expect(reply.json).toMatchObject({ error: { code: "INPUT_INVALID" } });
});
