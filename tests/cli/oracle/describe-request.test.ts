import { expect, test } from "vitest";
import { describeRequest, type ListedRequest } from "../../../cli/oracle/describe-request.ts";

const REQUEST: ListedRequest = {
  requestId: "0xaa",
  chainId: 1,
  phase: "asked",
  blockNumber: 7,
  blockTime: 1_000,
  consumer: "0xcc",
  reason: null,
  settlement: null,
};

test.for<[string, Partial<ListedRequest>, number, string]>([
  ["waits", {}, 1_042, "0xaa  chain 1  block 7  asked  42 s old  for 0xcc"],
  [
    "is held up",
    { reason: "INPUT_FEE_TOO_LOW" },
    1_180,
    "0xaa  chain 1  block 7  asked  3 min old  for 0xcc  INPUT_FEE_TOO_LOW",
  ],
  [
    "was answered by somebody",
    { phase: "settled", settlement: { kind: "fulfilled", keysetId: "0x0e", tx: "0x0f" } },
    1_000 + 7_200,
    "0xaa  chain 1  block 7  settled  2 h old  for 0xcc  fulfilled by 0x0e in 0x0f",
  ],
  [
    "was refunded",
    { phase: "settled", settlement: { kind: "refunded", keysetId: null, tx: "0x0f" } },
    1_000 + 3 * 86_400,
    "0xaa  chain 1  block 7  settled  3 d old  for 0xcc  refunded in 0x0f",
  ],
])("a request that %s tells it on one line", ([, change, now, line]) => {
  expect(describeRequest({ ...REQUEST, ...change }, now)).toBe(line);
});
