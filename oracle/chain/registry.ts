import { isHex } from "../../protocol/bytes.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { admissionNonce } from "../../protocol/claims.ts";
import { keysetId } from "../../protocol/keyset.ts";
import type { Keyset } from "../../protocol/keyset.ts";
import type { Log } from "./block.ts";
import { data } from "./block.ts";
import type { BlockId } from "./chain-reader.ts";
import { registryInterface as registry } from "./contracts.ts";
import type { AdmissionEvent } from "./events.ts";
import type { RpcPool } from "./rpc-pool.ts";

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
        ...position,
      };
    default:
      return undefined;
  }
}

export interface AdmissionTarget {
  readonly chainId: number;
  readonly registry: Hex;
}

/** What evidence must be bound to so that the registry takes it. */
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

/** Whether the keyset could answer a request made now under the policy. */
export async function readIsLive(
  rpc: RpcPool,
  address: Hex,
  policyId: Hex,
  keyset: Keyset,
): Promise<boolean> {
  const call = {
    to: address,
    data: registry.encodeFunctionData("isLive", [policyId, keysetId(keyset), keyset.answerKey]),
  };
  return BigInt(await rpc.call("eth_call", [call, "latest"], data)) === 1n;
}

function hex(value: unknown): Hex {
  const lower = String(value).toLowerCase();
  if (!isHex(lower)) {
    throw new TypeError("the ABI decoder returned something other than hex");
  }
  return lower;
}
