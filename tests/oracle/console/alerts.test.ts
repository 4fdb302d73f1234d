import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  AlertWatch,
  findAlerts,
  SEEN_FROM_OUTSIDE,
  type Alert,
  type Watched,
} from "../../../oracle/console/alerts.ts";
import { WELL_CHAIN } from "../support/health.ts";
import { wellNode } from "../support/console.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const RULES = [...read("oracle/deploy/prometheus/alerts.yml").matchAll(/alert: (\w+)/g)].map(
  ([, name]) => name,
);
const ADVICE = read("docs/how-to/answer-an-alert.md");

const NOW = 10_000_000;
const SECONDS = NOW / 1_000;
const WELL = wellNode(NOW);
const chain = (change: Partial<typeof WELL_CHAIN>): Watched => ({
  ...WELL,
  health: { ...WELL.health, chains: [{ ...WELL_CHAIN, ...change }] },
});
const runtime = (change: Partial<Watched["runtime"]>): Watched => ({
  ...WELL,
  runtime: { ...WELL.runtime, ...change },
});
const ofChain = (change: Partial<Watched["runtime"]["chains"][number]>): Watched =>
  runtime({ chains: WELL.runtime.chains.map((state) => ({ ...state, ...change })) });
const store = (change: Partial<Watched["health"]["store"]>): Watched => ({
  ...WELL,
  health: { ...WELL.health, store: { ...WELL.health.store, ...change } },
});
const waiting = (requestSince: number | null, transactionSince: number | null): Watched =>
  runtime({ oldest: [{ chainId: 1, requestSince, transactionSince }] });

const CASES: readonly (readonly [name: string, at: Watched, notYet: Watched])[] = [
  ["AdytonOracleStalled", chain({ stalled: true }), WELL],
  ["AdytonOracleUnattended", chain({ follower: "nobody" }), chain({ follower: "another" })],
  ["AdytonOracleDisputed", chain({ disputed: true }), WELL],
  ["AdytonOracleFinalityViolated", chain({ finalityViolation: { from: 2, to: 1 } }), WELL],
  ["AdytonOracleFinalityUnknown", chain({ finalityKnown: false }), WELL],
  ["AdytonOracleDeepReorg", chain({ deepestReorgBlocks: 9 }), chain({ deepestReorgBlocks: 8 })],
  ["AdytonOracleClockSkewed", chain({ clockAheadSeconds: -31 }), chain({ clockAheadSeconds: 30 })],
  ["AdytonOracleBehind", chain({ behindBlocks: 21 }), chain({ behindBlocks: 20 })],
  ["AdytonOracleKeysLow", chain({ keysLowOnFunds: ["0xaa"] }), WELL],
  ["AdytonOracleStoreNotWritable", store({ writable: false }), WELL],
  ["AdytonOracleStoreSlow", store({ writeMs: 1_001 }), store({ writeMs: 1_000 })],
  ["AdytonOracleNotReady", runtime({ ready: false }), WELL],
  ["AdytonOracleRpcResting", ofChain({ rpcHealthy: 0 }), ofChain({ rpcHealthy: 1 })],
  ["AdytonOracleUnsettled", waiting(SECONDS - 1_801, null), waiting(SECONDS - 1_800, null)],
  ["AdytonOracleTransactionStuck", waiting(null, NOW - 901_000), waiting(null, NOW - 900_000)],
  ["AdytonOracleRefunds", { ...WELL, refunds: 11 }, { ...WELL, refunds: 10 }],
  ["AdytonOraclePeerUnreachable", runtime({ peers: [{ name: "other", isReachable: false }] }), WELL],
  ["AdytonOracleDeadLetters", runtime({ deadLetters: 1 }), WELL],
  ["AdytonOracleDiskLow", runtime({ storeFreeBytes: 1_999_999_999 }), runtime({ storeFreeBytes: 2e9 })],
  [
    "AdytonOracleAdmissionEnding",
    ofChain({ admissionEnd: SECONDS + 899 }),
    ofChain({ admissionEnd: SECONDS + 900 }),
  ],
];

const names = (watched: Watched): readonly string[] => findAlerts(watched).map(({ name }) => name);

describe("the console's alerts", () => {
  test("are those of the rules for Prometheus but for what only the outside sees", () => {
    expect([...CASES.map(([name]) => name), ...SEEN_FROM_OUTSIDE].sort()).toEqual(RULES.toSorted());
  });

  test("each has advice", () => {
    for (const [name] of CASES) expect(ADVICE).toContain(`## ${name}\n`);
  });

  test("none stands at a node that is well", () => {
    expect(findAlerts(WELL)).toEqual([]);
  });

  test.for(CASES)("%s stands beyond its limit, and not at it", ([name, at, notYet]) => {
    expect(names(at)).toEqual([name]);
    expect(names(notYet)).toEqual([]);
  });

  test("a key that runs dry within a week is a warning, before it is an alarm", () => {
    const soonest = [{ chainId: 1, address: "0xaa", leftSeconds: 6 * 86_400 }];
    expect(findAlerts({ ...WELL, soonest })).toMatchObject([
      { name: "AdytonOracleKeysLow", severity: "warning", chainId: 1, subject: "0xaa" },
    ]);
    expect(
      findAlerts({ ...WELL, soonest: [{ chainId: 1, address: "0xaa", leftSeconds: 7 * 86_400 }] }),
    ).toEqual([]);
  });
});

describe("since when an alert stands", () => {
  const alert = (subject: string): Alert => ({
    ...{ name: "AdytonOraclePeerUnreachable", severity: "warning", chainId: null, subject },
    says: `${subject} is away`,
  });
  const since = (watch: AlertWatch, alerts: readonly Alert[], now: number): readonly number[] =>
    watch.note(alerts, now).map((standing) => standing.since);

  test("is when it was first seen, of each subject by itself", () => {
    const watch = new AlertWatch();
    expect(since(watch, [alert("a")], 1_000)).toEqual([1]);
    expect(since(watch, [alert("a"), alert("b")], 5_000)).toEqual([1, 5]);
  });

  test("begins anew once it was gone", () => {
    const watch = new AlertWatch();
    watch.note([alert("a")], 1_000);
    watch.note([], 2_000);
    expect(since(watch, [alert("a")], 3_000)).toEqual([3]);
  });
});
