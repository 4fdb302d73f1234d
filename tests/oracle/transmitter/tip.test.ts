import { expect, test } from "vitest";
import type { RpcCall, RpcEndpoint, RpcReply } from "../../../oracle/chain/rpc/rpc-endpoint.ts";
import { readTip } from "../../../oracle/transmitter/tip.ts";
import { ChainError } from "../../../protocol/errors.ts";

const GWEI = 10n ** 9n;

interface Server {
  /** Wei; `undefined`: it knows no such method. */
  readonly suggests?: bigint;
  /** Wei that its recent blocks paid. */
  readonly paid?: readonly bigint[];
  readonly isDown?: boolean;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
const refused: RpcReply = {
  ok: false,
  failure: { code: -32_601, message: "method not found", data: undefined },
};

function endpoint({ suggests, paid, isDown }: Server): RpcEndpoint {
  const reply = ({ method }: RpcCall): RpcReply => {
    if (method === "eth_maxPriorityFeePerGas")
      return suggests === undefined ? refused : { ok: true, result: hex(suggests) };
    return paid === undefined ? refused : { ok: true, result: { reward: paid.map((one) => [hex(one)]) } };
  };
  const send = (calls: readonly RpcCall[]): Promise<RpcReply[]> =>
    isDown === true
      ? Promise.reject(new ChainError({ code: "CHAIN_RPC_UNAVAILABLE", message: "down" }))
      : Promise.resolve(calls.map(reply));
  return { send } as unknown as RpcEndpoint;
}

const read = (...servers: readonly Server[]): Promise<bigint> =>
  readTip({ serving: () => servers.map(endpoint) });

test.for<[string, readonly Server[], bigint]>([
  ["the suggestion of the only server", [{ suggests: 2n * GWEI, paid: [GWEI] }], 2n * GWEI],
  [
    "no more than thrice what blocks paid",
    [{ suggests: 400n * GWEI, paid: [2n * GWEI, GWEI, 3n * GWEI] }],
    6n * GWEI,
  ],
  ["one gwei where blocks were empty", [{ suggests: 400n * GWEI, paid: [0n, 0n] }], GWEI],
  ["the lower one of two", [{ suggests: 400n * GWEI }, { suggests: 2n * GWEI }], 2n * GWEI],
  [
    "the middle one of three",
    [{ suggests: 400n * GWEI }, { suggests: 3n * GWEI }, { suggests: 0n }],
    3n * GWEI,
  ],
  ["what one that serves suggests", [{ isDown: true }, { suggests: 3n * GWEI }], 3n * GWEI],
  ["one gwei where nobody suggests any", [{}, { isDown: true }], GWEI],
  ["never more than the cap, where a server has no history", [{ suggests: 400n * GWEI }], 50n * GWEI],
])("the tip is %s", async ([, servers, tip]) => {
  expect(await read(...servers)).toBe(tip);
});

test("the operator's cap bounds what blocks paid, too", async () => {
  const dear: Server = { suggests: 40n * GWEI, paid: [40n * GWEI] };
  expect(await readTip({ serving: () => [endpoint(dear)] }, 5n * GWEI)).toBe(5n * GWEI);
});
