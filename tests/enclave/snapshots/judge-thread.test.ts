import { expect, test } from "vitest";
import { judgeEpoch } from "../../../coprocessor/snapshots/judge-epoch.ts";
import { createJudgeThread } from "../../../enclave/snapshots/judge-thread.ts";
import { rejectionOf } from "../../support/rejection-of.ts";
import { sampleKey, sampleMember, sampleSnapshotCall, sampleWord } from "../../support/sample-snapshot.ts";

const script = new URL("../support/judge-thread.ts", import.meta.url);
const alice = sampleMember("alice");

test("a thread judges as the function does, and goes on after a refusal", async () => {
  const judge = createJudgeThread(script);
  const call = sampleSnapshotCall({
    members: [alice],
    entries: [{ key: sampleKey(1), outputs: [sampleWord(1n)] }],
  });
  expect(await judge("snapshot", call)).toEqual(judgeEpoch(call));
  expect(await rejectionOf(() => judge("snapshot", { ...call, oldRoot: sampleWord(1n) }))).toBe(
    "INPUT_INVALID",
  );
  const both = await Promise.all([judge("snapshot", call), judge("snapshot", call)]);
  expect(both).toEqual([judgeEpoch(call), judgeEpoch(call)]);
});
