import { IAttestationVerifier__factory } from "../../../contracts/bindings/factories/IAttestationVerifier__factory.ts";
import { fromHex, type Hex, isHex, toHex } from "../../../protocol/bytes.ts";
import { admissionNonce } from "../../../protocol/claims.ts";
import { type Keyset, keysetId } from "../../../protocol/keyset.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { keccak } from "../../../protocol/struct-hash.ts";
import { data, type Log } from "../rpc/block.ts";
import { word } from "../abi/call-data.ts";
import type { BlockId } from "../chain-reader.ts";
import { registryInterface as registry } from "./contracts.ts";
import type { AdmissionEvent } from "../abi/events.ts";
import { readReply, type RpcPool } from "../rpc/rpc-pool.ts";

const ZERO_32: Hex = `0x${"00".repeat(32)}`;

export function decodeRegistryLog(log: Log): AdmissionEvent | undefined {
  const parsed = registry.parseLog({ topics: log.topics, data: log.data });
  const position = {
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
    txHash: log.transactionHash,
    logIndex: log.logIndex,
  };
  switch (parsed?.name) {
    case "EnclaveAdmitted":
      return {
        kind: "admission",
        event: "admitted",
        keysetId: hex(parsed.args["keysetId"]),
        policyId: hex(parsed.args["policyId"]),
        expiresAt: Number(parsed.args["expiresAt"]),
        platform: hex(parsed.args["platformId"]),
        seat: seatOf(
          hex(parsed.args["policyId"]),
          hex(parsed.args["keysetId"]),
          hex((parsed.args["keyset"] as { readonly answerKey: string }).answerKey),
        ),
        ...position,
      };
    case "AdmissionDeleted":
      return {
        kind: "admission",
        event: "deleted",
        keysetId: ZERO_32,
        policyId: hex(parsed.args["policyId"]),
        expiresAt: 0,
        platform: ZERO_32,
        seat: hex(parsed.args["seat"]),
        ...position,
      };
    case "EquivocationProven":
      return {
        kind: "admission",
        event: "revoked",
        keysetId: hex(parsed.args["keysetId"]),
        policyId: ZERO_32,
        expiresAt: 0,
        platform: ZERO_32,
        seat: ZERO_32,
        ...position,
      };
    default:
      return undefined;
  }
}

/** What `AdmissionDeleted` names an admission by (contracts/src/interfaces/IEnclaveRegistry.sol). */
export function seatOf(policyId: Hex, keysetId: Hex, answerKey: Hex): Hex {
  return keccak(fromHex(`0x${word(policyId)}${word(keysetId)}${word(answerKey)}`));
}

export interface AdmissionTarget {
  readonly chainId: number;
  readonly registry: Hex;
}

/** The data that evidence must be bound to so that the registry takes it. */
export function admissionNonceFor({ chainId, registry: address }: AdmissionTarget, block: BlockId): Hex {
  return admissionNonce({
    chainId: BigInt(chainId),
    registry: address,
    blockNumber: BigInt(block.number),
    blockHash: block.hash,
  });
}

export interface Admission {
  readonly policyId: Hex;
  readonly keyset: Keyset;
  readonly blockNumber: number;
  readonly verifier: Hex;
  readonly evidence: Hex;
}

export function encodeAdmit({ policyId, keyset, blockNumber, verifier, evidence }: Admission): Hex {
  return hex(registry.encodeFunctionData("admit", [policyId, keyset, blockNumber, verifier, evidence]));
}

const verifierInterface = IAttestationVerifier__factory.createInterface();

/**
 * The machine that the policy's verifier sees in the evidence.
 *
 * @param from the registry, on whose behalf a verifier may remember what it has seen
 * @param reportData what the evidence is bound to
 * @throws {ChainError} CHAIN_REVERTED when the verifier refuses it
 */
export async function readPlatform(
  rpc: RpcPool,
  from: Hex,
  { policyId, verifier, evidence }: Pick<Admission, "policyId" | "verifier" | "evidence">,
  reportData: Uint8Array,
): Promise<Hex> {
  const head = toHex(reportData.subarray(0, 32));
  const input = verifierInterface.encodeFunctionData("appraise", [policyId, head, evidence]);
  const result = await rpc.call("eth_call", [{ from, to: verifier, data: input }, "latest"], data);
  const [appraisal] = verifierInterface.decodeFunctionResult("appraise", result) as unknown as [
    { readonly platformId: string },
  ];
  return hex(appraisal.platformId);
}

export interface AdmissionState {
  /** Whether the keyset could answer a request made now under the policy. */
  readonly live: boolean;
  /** Seconds, by the chain's clock; 0 without an admission. */
  readonly expiresAt: number;
}

/** @throws {ChainError} CHAIN_RPC_UNAVAILABLE, CHAIN_REVERTED where there is no registry */
export async function readAdmissionState(
  rpc: RpcPool,
  address: Hex,
  policyId: Hex,
  keyset: Keyset,
): Promise<AdmissionState> {
  const of = [policyId, keysetId(keyset), keyset.answerKey] as const;
  const calls = [
    registry.encodeFunctionData("isLive", [...of]),
    registry.encodeFunctionData("admission", [...of]),
  ].map((input) => ({ method: "eth_call", params: [{ to: address, data: input }, "latest"] }));
  return rpc.use(async (endpoint) => {
    const replies = await endpoint.send(calls);
    const [live, admission] = calls.map((call, index) => readReply(endpoint, call, replies[index], data));
    if (live === undefined || admission === undefined || live === "0x" || admission === "0x") {
      throw new ChainError({
        code: "CHAIN_REVERTED",
        message: "there is no contract at the registry's address",
        details: { registry: address },
      });
    }
    const [record] = registry.decodeFunctionResult("admission", admission) as unknown as [
      { readonly expiresAt: bigint },
    ];
    return { live: BigInt(live) === 1n, expiresAt: Number(record.expiresAt) };
  });
}

/** Seconds that a quorum's leaves may be added to before any is opened. @throws {ChainError} */
export async function readQuorumWindow(rpc: RpcPool, address: Hex, policyId: Hex): Promise<number> {
  const input = registry.encodeFunctionData("quorumTerms", [policyId]);
  const result = await rpc.call("eth_call", [{ to: address, data: input }, "latest"], data);
  const [windowSeconds] = registry.decodeFunctionResult("quorumTerms", result);
  return Number(windowSeconds);
}

function hex(value: unknown): Hex {
  const lower = String(value).toLowerCase();
  if (!isHex(lower)) throw new TypeError("the ABI decoder returned something other than hex");
  return lower;
}
