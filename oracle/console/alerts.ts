/**
 * The alerts of oracle/deploy/prometheus/alerts.yml that a node can see at itself, by the same names and limits: whoever has no
 * Prometheus sees them too, and each leads to the same advice. A rule's `for` is left to the reader, who sees since when it holds.
 */

import type { Health } from "../http/health.ts";
import type { RuntimeState } from "../http/runtime-state.ts";

export interface Alert {
  /** As in docs/how-to/answer-an-alert.md. */
  readonly name: string;
  readonly severity: "alarm" | "warning";
  readonly chainId: number | null;
  /** Whose it is, where a chain can have several. */
  readonly subject?: string;
  /** What is the matter, in words that go on after the chain's name. */
  readonly says: string;
}

export interface StandingAlert extends Alert {
  /** Seconds. */
  readonly since: number;
}

export interface Watched {
  readonly health: Health;
  readonly runtime: RuntimeState;
  /** Of all chains, in the last hour. */
  readonly refunds: number;
  /** The key that runs dry first on each chain. */
  readonly soonest: readonly {
    readonly chainId: number;
    readonly address: string;
    readonly leftSeconds: number;
  }[];
}

/** What a process cannot say of itself, or only by what it was before: Prometheus alone says these. */
export const SEEN_FROM_OUTSIDE = [
  "AdytonOracleDown",
  "AdytonOracleRestarted",
  "AdytonOracleArchiveFailing",
  "AdytonOracleRpcSlow",
] as const;

const DEEP_REORG_BLOCKS = 8;
const SKEW_SECONDS = 30;
const SLOW_WRITE_MS = 1_000;
const BEHIND_BLOCKS = 20;
const UNSETTLED_SECONDS = 1_800;
const STUCK_SECONDS = 900;
const REFUNDS_AN_HOUR = 10;
const LEAST_FREE_BYTES = 2e9;
const ADMISSION_SECONDS = 900;
const RUNWAY_SECONDS = 7 * 86_400;

export function findAlerts(watched: Watched): readonly Alert[] {
  return [...chainAlerts(watched), ...keyAlerts(watched), ...waitAlerts(watched), ...nodeAlerts(watched)];
}

type Chain = Health["chains"][number];

const CHAIN_RULES: readonly (readonly [
  name: string,
  severity: Alert["severity"],
  says: (chain: Chain) => string | null,
])[] = [
  ["AdytonOracleStalled", "alarm", ({ stalled }) => (stalled ? "nothing is read of it" : null)],
  [
    "AdytonOracleUnattended",
    "alarm",
    ({ follower }) => (follower === "nobody" ? "no process follows it, and nothing is sent to it" : null),
  ],
  [
    "AdytonOracleDisputed",
    "alarm",
    ({ disputed }) => (disputed ? "its RPC servers contradict each other, and no model is called" : null),
  ],
  [
    "AdytonOracleFinalityViolated",
    "alarm",
    ({ finalityViolation }) =>
      finalityViolation === null ? null : "it took back what counted as settled, and is left alone",
  ],
  [
    "AdytonOracleFinalityUnknown",
    "alarm",
    ({ finalityKnown }) =>
      finalityKnown ? null : "its RPC servers know no finalized block: no request is taken up",
  ],
  [
    "AdytonOracleDeepReorg",
    "warning",
    ({ deepestReorgBlocks: deep }) => (deep > DEEP_REORG_BLOCKS ? `it took ${deep} blocks back` : null),
  ],
  [
    "AdytonOracleClockSkewed",
    "alarm",
    ({ clockAheadSeconds: ahead }) =>
      ahead !== null && Math.abs(ahead) > SKEW_SECONDS
        ? `this machine's clock is ${ahead} s ahead of it`
        : null,
  ],
  [
    "AdytonOracleBehind",
    "warning",
    ({ behindBlocks: behind }) =>
      behind !== null && behind > BEHIND_BLOCKS ? `${behind} of its blocks are still to be read` : null,
  ],
  [
    "AdytonOracleKeysLow",
    "alarm",
    ({ keysLowOnFunds: { length: low }, keysUsable }) =>
      low === 0
        ? null
        : `${low} of ${low + keysUsable} keys have too little ether${keysUsable === 0 ? ": no model is called" : ""}`,
  ],
];

function chainAlerts({ health }: Watched): readonly Alert[] {
  return health.chains.flatMap((chain) =>
    CHAIN_RULES.flatMap(([name, severity, judge]) => {
      const says = judge(chain);
      return says === null ? [] : [{ name, severity, chainId: chain.chainId, says }];
    }),
  );
}

function keyAlerts({ soonest }: Watched): readonly Alert[] {
  return soonest
    .filter(({ leftSeconds }) => leftSeconds < RUNWAY_SECONDS)
    .map(({ chainId, address, leftSeconds }) => ({
      name: "AdytonOracleKeysLow",
      severity: "warning",
      chainId,
      subject: address,
      says: `at the pace of the last day key ${address} is empty in ${Math.floor(leftSeconds / 3_600)} hours`,
    }));
}

function waitAlerts({ runtime: { oldest, now, chains }, refunds }: Watched): readonly Alert[] {
  const seconds = Math.floor(now / 1_000);
  const waits = oldest.flatMap(({ chainId, requestSince, transactionSince }): readonly Alert[] => [
    ...over(requestSince === null ? 0 : seconds - requestSince, UNSETTLED_SECONDS, (age) => ({
      ...{ name: "AdytonOracleUnsettled", severity: "alarm", chainId },
      says: `a request has waited ${age} s for its settlement`,
    })),
    ...over(
      transactionSince === null ? 0 : Math.floor((now - transactionSince) / 1_000),
      STUCK_SECONDS,
      (age) => ({
        ...{ name: "AdytonOracleTransactionStuck", severity: "alarm", chainId },
        says: `a transaction has not been mined for ${age} s`,
      }),
    ),
  ]);
  const admissions = chains.flatMap(({ chainId, admissionEnd, rpcHealthy }): readonly Alert[] => [
    ...(rpcHealthy === 0
      ? [alert("AdytonOracleRpcResting", "alarm", "none of its RPC servers answers", chainId)]
      : []),
    ...(admissionEnd !== null && admissionEnd - seconds < ADMISSION_SECONDS
      ? [
          alert(
            "AdytonOracleAdmissionEnding",
            "alarm",
            admissionEnd > seconds
              ? `an enclave's admission ends in ${admissionEnd - seconds} s, and was not renewed`
              : "an enclave's admission has ended",
            chainId,
          ),
        ]
      : []),
  ]);
  const refunded = over(refunds, REFUNDS_AN_HOUR, (count) =>
    alert("AdytonOracleRefunds", "warning", `${count} requests ended without an answer in the last hour`),
  );
  return [...waits, ...admissions, ...refunded];
}

function nodeAlerts({ health: { store }, runtime }: Watched): readonly Alert[] {
  const { ready, deadLetters, storeFreeBytes, peers } = runtime;
  return [
    ...(store.writable
      ? []
      : [alert("AdytonOracleStoreNotWritable", "alarm", "the node cannot write to its store")]),
    ...over(store.writeMs ?? 0, SLOW_WRITE_MS, (ms) =>
      alert("AdytonOracleStoreSlow", "warning", `the store takes ${ms} ms for one row`),
    ),
    ...(ready ? [] : [alert("AdytonOracleNotReady", "alarm", "no request could be answered now")]),
    ...over(deadLetters, 0, (count) =>
      alert(
        "AdytonOracleDeadLetters",
        "alarm",
        count === 1 ? "one job failed for good" : `${count} jobs failed for good`,
      ),
    ),
    ...(storeFreeBytes !== null && storeFreeBytes < LEAST_FREE_BYTES
      ? [
          alert(
            "AdytonOracleDiskLow",
            "alarm",
            `the store's disk has ${Math.floor(storeFreeBytes / 1e6)} MB left`,
          ),
        ]
      : []),
    ...peers
      .filter(({ isReachable }) => !isReachable)
      .map(({ name }) => ({
        ...alert("AdytonOraclePeerUnreachable", "warning", `the node of ${name} cannot be reached`),
        subject: name,
      })),
  ];
}

function alert(
  name: string,
  severity: Alert["severity"],
  says: string,
  chainId: number | null = null,
): Alert {
  return { name, severity, says, chainId };
}

function over(value: number, limit: number, say: (value: number) => Alert): readonly Alert[] {
  return value > limit ? [say(value)] : [];
}

/** Since when each alert stands. */
export class AlertWatch {
  readonly #since = new Map<string, number>();

  /** @param now milliseconds */
  note(alerts: readonly Alert[], now: number): readonly StandingAlert[] {
    const standing = alerts.map((found) => ({
      ...found,
      key: [found.name, found.severity, found.chainId, found.subject].join(" "),
    }));
    const keys = new Set(standing.map(({ key }) => key));
    for (const key of this.#since.keys()) if (!keys.has(key)) this.#since.delete(key);
    return standing.map(({ key, ...found }) => {
      const since = this.#since.get(key) ?? Math.floor(now / 1_000);
      this.#since.set(key, since);
      return { ...found, since };
    });
  }
}
