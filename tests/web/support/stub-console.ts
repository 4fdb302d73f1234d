/** What a node tells its console, with something of every kind in it; `text` stands wherever a name could. */

import type { ConsoleState } from "../../../oracle/console/console-state.ts";
import { WELL_CHAIN, WELL_STORE } from "../../oracle/support/health.ts";

export const STUB_TOKEN = "the console's token in tests";

const NOW = 1_793_491_200;
const ADDRESS = `0x${"cd".repeat(20)}`;
const KEYSET = `0x${"ab".repeat(32)}`;

export function stubConsole(text: string): ConsoleState {
  return {
    now: NOW,
    startedAt: NOW - 530_000,
    status: "degraded",
    ready: true,
    store: { ...WELL_STORE, freeBytes: 40_000_000_000 },
    ...{ jobsInFlight: 2, deadLetters: 1, reverifySeconds: 3_600 },
    alerts: [
      {
        ...{ name: "AdytonOracleDeadLetters", severity: "alarm", chainId: null, since: NOW - 600 },
        says: "one job failed for good",
      },
      {
        ...{ name: "AdytonOracleKeysLow", severity: "warning", chainId: 8_453, since: NOW - 20_000 },
        subject: ADDRESS,
        says: `at the pace of the last day key ${text} is empty in 144 hours`,
      },
    ],
    chains: [8_453, 31_337].map((chainId) => ({
      ...WELL_CHAIN,
      ...{ chainId, block: 38_114_902, rpcHealthy: 2, rpcTotal: 3 },
      rpc: [
        { endpoint: text, exchanges: 88_123, failures: 4, meanMs: 31, aside: null },
        { endpoint: "rpc-2.example", exchanges: 8_123, failures: 40, meanMs: 310, aside: text },
      ],
      queue: [
        { phase: "asked", count: 2 },
        { phase: "sent", count: 1 },
      ],
      transactions: [{ state: "pending", count: 1 }],
      ...{ oldestUnsettledSeconds: 4, oldestTransactionSeconds: 2 },
    })),
    enclaves: [
      {
        ...{ keysetId: KEYSET, host: text, kind: "simulator", acceptedAt: NOW - 1_800 },
        admissions: [{ chainId: 8_453, policyId: KEYSET as `0x${string}`, expiresAt: NOW + 50_000 }],
      },
      {
        keysetId: KEYSET.replace("ab", "ef"),
        host: "b.example",
        kind: "tdx",
        acceptedAt: NOW,
        admissions: [],
      },
    ],
    minutes: Array.from({ length: 120 }, (_, index) => ({
      at: NOW - (119 - index) * 60,
      settled: 12 + (index % 5),
      ended: index === 60 ? 3 : 0,
      p50: index % 7 === 0 ? null : 900 + (index % 11) * 20,
      p95: index % 7 === 0 ? null : 1_700 + (index % 13) * 60,
    })),
    purses: [
      {
        ...{
          chainId: 8_453,
          watchedSeconds: 86_400,
          earned: "175100000000000000",
          spent: "47000000000000000",
        },
        owed: "2175100000000000000",
        keys: [
          { address: ADDRESS, balance: "41000000000000000", usable: true, leftSeconds: 6 * 86_400 },
          {
            address: ADDRESS.replace("cd", "ce"),
            balance: "312000000000000000",
            usable: true,
            leftSeconds: null,
          },
          { address: ADDRESS.replace("cd", "cf"), balance: "0", usable: false, leftSeconds: null },
        ],
      },
    ],
  };
}
