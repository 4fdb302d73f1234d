import { expect, test } from "vitest";
import { createTrustedClock } from "../../../enclave/clock/trusted-clock.ts";
import { Behaviour } from "../../../enclave/configuration/behaviour.ts";
import type { ExchangeOutcome } from "../../../enclave/egress/exchange.ts";
import { UpstreamError } from "../../../protocol/errors.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { behaviourFile } from "../support/configuration.ts";

const SETTINGS = { source: "chain-for-testing", url: "http://127.0.0.1:8545" } as const;
const BUILD = 1_795_305_600;

function replyOf(body: string): ExchangeOutcome {
  const bytes = toUtf8(body);
  const transport = { kind: "plain-loopback" as const, address: "127.0.0.1" };
  return {
    kind: "complete",
    response: { status: 200, headers: {}, body: bytes, bodySha256: bytes, transport },
  };
}
const blockAt = (seconds: number): ExchangeOutcome =>
  replyOf(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { timestamp: `0x${seconds.toString(16)}` } }));
const unreachable: ExchangeOutcome = {
  kind: "failed",
  error: new UpstreamError({ code: "MODEL_UNREACHABLE", message: "" }),
  transport: null,
};

/** A clock, the chain's next answer, and the counter of this machine. */
function following() {
  const world = { ms: 0, answer: unreachable };
  const clock = createTrustedClock({
    settings: SETTINGS,
    buildTime: BUILD,
    monotonicMs: () => world.ms,
    hostNow: () => 9_999_999_999,
    exchange: () => Promise.resolve(world.answer),
  });
  return { clock, world };
}

test("a chain's clock has no time before the chain was seen, whatever the machine's clock says", async () => {
  const { clock } = following();
  expect(clock.read().now).toBeNull();
  await clock.synchronize();
  expect(clock.read()).toEqual({ now: null, lowerBound: BUILD, source: "build" });
});

test("a chain's clock follows its newest block, ahead and back, and runs on between blocks", async () => {
  const { clock, world } = following();
  world.answer = blockAt(2_000_000_000);
  await clock.synchronize();
  expect(clock.read()).toMatchObject({ now: 2_000_000_000, source: "chain-for-testing" });
  world.ms += 2_500;
  await clock.synchronize();
  expect(clock.read().now).toBe(2_000_000_002);
  world.answer = blockAt(2_000_604_800);
  await clock.synchronize();
  expect(clock.read().now).toBe(2_000_604_800);
  world.answer = blockAt(2_000_000_010);
  await clock.synchronize();
  expect(clock.read().now).toBe(2_000_000_010);
});

test.for([
  ["an unreachable node", unreachable],
  ["no JSON", replyOf("<html>")],
  ["null", replyOf("null")],
  ["an error", replyOf('{"error":{"code":-32000}}')],
  ["a time that is a number", replyOf('{"result":{"timestamp":5}}')],
  ["a time past 40 bits", replyOf('{"result":{"timestamp":"0x10000000000"}}')],
] as const)("a chain's clock keeps its last block through %s", async ([, answer]) => {
  const { clock, world } = following();
  world.answer = blockAt(2_000_000_000);
  await clock.synchronize();
  world.answer = answer;
  await clock.synchronize();
  expect(clock.read().now).toBe(2_000_000_000);
});

test.for(["https://rpc.example.org", "http://10.0.0.1:8545", "http://localhost:8545"])(
  "no behaviour file takes its time from %s: only a chain on this machine is believed",
  (url) => {
    const file = behaviourFile({
      url: "https://localhost:1/v1",
      certificateAuthority: "-----BEGIN CERTIFICATE-----",
    });
    expect(Behaviour.safeParse({ ...file, time: SETTINGS }).success).toBe(true);
    expect(Behaviour.safeParse({ ...file, time: { ...SETTINGS, url } }).success).toBe(false);
  },
);
