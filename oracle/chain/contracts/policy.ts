/** A policy of the registry, as a reader of it wants it: its settings, its rules, who may change it, and what waits (contracts/src/interfaces/IPolicyRegistry.sol). */

import * as z from "zod";
import type { Hex } from "../../../protocol/bytes.ts";
import { AdytonError } from "../../../protocol/errors.ts";
import { keccakText } from "../../../protocol/struct-hash.ts";
import { askedLogs } from "../rpc/asked-logs.ts";
import { data, Log, toQuantity } from "../rpc/block.ts";
import { callEndpoint, readReply, type RpcPool } from "../rpc/rpc-pool.ts";
import { registryInterface as registry } from "./contracts.ts";

/** `PolicyRules` of contracts/src/types/Policy.sol, but for the settings of the head. */
const RULE_NAMES: Readonly<Record<number, string>> = {
  1: "verifier",
  2: "measurement",
  3: "behaviour",
  4: "platform",
  5: "seam",
  6: "quotingEnclave",
  7: "tcb",
  8: "verifierPolicy",
  9: "vendor",
  10: "tdAttributes",
  11: "xfam",
  128: "revokedKeyset",
  129: "revokedCertificate",
};

const ANY_PLATFORM = keccakText("any platform");

export interface PolicyRule {
  readonly name: string;
  /** What the rule is about; `any` of a platform. */
  readonly subject: string;
}

export interface ShownPolicy {
  readonly policyId: Hex;
  /** 0: the registry has no such policy. */
  readonly version: number;
  readonly validitySeconds: number;
  readonly keysBeforeRequest: boolean;
  readonly distinctVendors: boolean;
  readonly quorumWindowSeconds: number;
  readonly owner: string;
  /** `null` where nobody may veto. */
  readonly guardian: string | null;
  readonly timelockSeconds: number;
  /** Changes that wait; seconds. */
  readonly pending: readonly { readonly executableAt: number; readonly expiresAt: number }[];
  /** `null` where the server gives no logs over so many blocks. */
  readonly rules: readonly PolicyRule[] | null;
}

interface PolicyPlace {
  readonly registry: Hex;
  readonly policyId: Hex;
  /** Block from which its rules are looked for. */
  readonly fromBlock: number;
}

/** @throws {ChainError} CHAIN_RPC_UNAVAILABLE, CHAIN_REVERTED */
export async function readPolicy(rpc: Pick<RpcPool, "use">, place: PolicyPlace): Promise<ShownPolicy> {
  const { policyId } = place;
  const views = ["head", "rolesOf", "pendingChanges"] as const;
  const calls = views.map((view) => ({
    method: "eth_call",
    params: [{ to: place.registry, data: registry.encodeFunctionData(view as "head", [policyId]) }, "latest"],
  }));
  const results = await rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    return views.map((view, index) => {
      const call = calls[index];
      if (call === undefined) throw new TypeError("a view without a call");
      return registry.decodeFunctionResult(view as "head", readReply(endpoint, call, replies[index], data));
    });
  });
  const [head] = Head.parse([...(results[0] ?? [])]);
  const [owner, guardian, timelockSeconds] = Roles.parse([...(results[1] ?? [])]);
  const [pending] = Pending.parse([...(results[2] ?? [])]);
  return {
    policyId,
    ...head,
    owner,
    guardian: /^0x0{40}$/.test(guardian) ? null : guardian,
    timelockSeconds,
    pending,
    rules: await readRules(rpc, place),
  };
}

const number = z.bigint().transform(Number);
const account = z.string().transform((text) => text.toLowerCase());
/** What the ABI decoder gives by name, of results that have names. */
const Head = z.tuple([
  z
    .custom<Readonly<Record<string, unknown>>>((value) => typeof value === "object")
    .transform((value) => ({
      version: Number(value["version"]),
      validitySeconds: Number(value["validitySeconds"]),
      keysBeforeRequest: value["keysBeforeRequest"] === true,
      distinctVendors: value["distinctVendors"] === true,
      quorumWindowSeconds: Number(value["quorumWindowSeconds"]),
    })),
]);
const Roles = z.tuple([account, account, number]);
const Pending = z.tuple([
  z.array(
    z
      .custom<Readonly<Record<string, unknown>>>((value) => typeof value === "object")
      .transform((value) => ({
        executableAt: Number(value["executableAt"]),
        expiresAt: Number(value["expiresAt"]),
      })),
  ),
]);

/** The registry answers for one rule at a time; which there are, only its log says. */
async function readRules(
  rpc: Pick<RpcPool, "use">,
  { registry: address, policyId, fromBlock }: PolicyPlace,
): Promise<readonly PolicyRule[] | null> {
  const filter = {
    ...{ address, fromBlock: toQuantity(fromBlock), toBlock: "latest" },
    topics: [registry.getEvent("RuleChanged").topicHash, policyId],
  };
  let logs: readonly Log[];
  try {
    logs = await rpc.use((endpoint) =>
      callEndpoint(endpoint, { method: "eth_getLogs", params: [filter] }, z.array(Log)),
    );
  } catch (error) {
    if (error instanceof AdytonError) return null;
    throw error;
  }
  const standing = new Map<string, PolicyRule>();
  for (const { topics, data: text } of askedLogs(logs, filter)) {
    const { kind, subject, newValue } = registry.decodeEventLog("RuleChanged", text, [...topics]);
    const name = RULE_NAMES[Number(kind)];
    if (name === undefined) continue;
    const key = `${name} ${String(subject)}`;
    if (BigInt(String(newValue)) === 0n) standing.delete(key);
    else standing.set(key, { name, subject: subjectOf(name, String(subject).toLowerCase()) });
  }
  return [...standing.values()];
}

/** In the width of what it is: an address, an FMSPC, a number. */
function subjectOf(name: string, subject: string): string {
  switch (name) {
    case "verifier":
      return `0x${subject.slice(-40)}`;
    case "platform":
      return subject === ANY_PLATFORM ? "any" : subject;
    case "tcb":
      return subject.slice(0, 14);
    case "tdAttributes":
    case "xfam":
      return subject.slice(0, 18);
    case "vendor":
      return BigInt(subject).toString();
    default:
      return subject;
  }
}
