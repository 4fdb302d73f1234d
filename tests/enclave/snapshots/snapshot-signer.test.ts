import { describe, expect, test } from "vitest";
import { judgeEpoch } from "../../../coprocessor/snapshots/judge-epoch.ts";
import { snapshotDigest } from "../../../coprocessor/ledger/snapshot.ts";
import type { SnapshotCall } from "../../../coprocessor/snapshots/snapshot-call.ts";
import { readConfiguration } from "../../../enclave/configuration/read-configuration.ts";
import { createIdentity } from "../../../enclave/identity/identity.ts";
import { StatementLog } from "../../../enclave/log/statement-log.ts";
import { SignedEpochs } from "../../../enclave/snapshots/signed-epochs.ts";
import { createSnapshotSigner, type SnapshotSigner } from "../../../enclave/snapshots/snapshot-signer.ts";
import { recoverSigner } from "../../../protocol/answer.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { SAMPLE_LEDGER, sampleKey, sampleSnapshotCall, sampleWord } from "../../support/sample-snapshot.ts";
import { behaviourFile, operatorFile } from "../support/configuration.ts";

const configuration = readConfiguration(
  toUtf8(
    JSON.stringify(
      behaviourFile({ url: "https://127.0.0.1:1/v1", certificateAuthority: "-----BEGIN CERTIFICATE-----" }),
    ),
  ),
  toUtf8(JSON.stringify(operatorFile())),
);
const identity = createIdentity(configuration, "test");
const self = {
  privateKey: identity.keys.answer.privateKey,
  keysetId: identity.keysetId,
  answerKey: identity.keyset.answerKey,
};
const operator = {
  ...configuration.operator.public,
  coordinators: [{ chainId: SAMPLE_LEDGER.chainId, coordinator: SAMPLE_LEDGER.ledger }],
};

const callOf = (value: bigint, epoch = 0n): SnapshotCall =>
  sampleSnapshotCall({
    members: [self],
    epoch,
    entries: [{ key: sampleKey(1), outputs: [sampleWord(value)] }],
  });

function newSigner(served = operator): { readonly sign: SnapshotSigner; readonly log: StatementLog } {
  const log = new StatementLog(identity);
  const sign = createSnapshotSigner({
    identity,
    log,
    operator: served,
    epochs: new SignedEpochs(),
    judge: (call) => Promise.resolve(judgeEpoch(call)),
  });
  return { sign, log };
}

describe("a snapshot", () => {
  test("is signed as it was judged, and logged once however often it is asked for", async () => {
    const { sign, log } = newSigner();
    const reply = await sign(callOf(1n));
    const { statement } = judgeEpoch(callOf(1n));
    expect(recoverSigner(snapshotDigest(SAMPLE_LEDGER, statement), reply.signature)).toBe(self.answerKey);
    expect(reply.newRoot).toBe(statement.snapshot.newRoot);
    expect(await sign(callOf(1n))).toEqual(reply);
    expect(log.checkpoint().split("\n")[1]).toBe("1");
  });

  test("of one epoch is signed once: another content is refused, also of two calls at once", async () => {
    const { sign } = newSigner();
    const outcomes = await Promise.allSettled([sign(callOf(1n)), sign(callOf(2n))]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await rejectionOf(() => sign(callOf(2n)))).toBe("INPUT_CONFLICT");
    expect(await rejectionOf(() => sign(callOf(3n)))).toBe("INPUT_CONFLICT");
    await sign(callOf(2n, 1n));
  });

  test("of an epoch behind the last signed one is refused", async () => {
    const { sign } = newSigner();
    await sign(callOf(1n, 5n));
    expect(await rejectionOf(() => sign(callOf(1n, 4n)))).toBe("INPUT_CONFLICT");
  });

  test("that does not name this enclave, or is of a ledger that is not served, is refused", async () => {
    const stranger = { ...self, keysetId: sampleWord(1n) };
    const { sign } = newSigner();
    const call = sampleSnapshotCall({
      members: [stranger],
      entries: [{ key: sampleKey(1), outputs: [sampleWord(1n)] }],
    });
    expect(await rejectionOf(() => sign(call))).toBe("INPUT_INVALID");
    const elsewhere = newSigner(configuration.operator.public);
    expect(await rejectionOf(() => elsewhere.sign(callOf(1n)))).toBe("INPUT_INVALID");
  });

  test("that was refused leaves the epoch free", async () => {
    const { sign } = newSigner();
    const call = callOf(1n);
    expect(await rejectionOf(() => sign({ ...call, oldRoot: sampleWord(1n) }))).toBe("INPUT_INVALID");
    await sign(call);
  });
});
