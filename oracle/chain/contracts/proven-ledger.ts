/** A `ProvenLedger` (contracts/src/ledger/IProvenLedger.sol), as who collects its writes reads it. */

import type { Hex } from "../../../protocol/bytes.ts";
import { ChainError } from "../../../protocol/errors.ts";
import { bytes32 } from "../../../protocol/fields.ts";
import { data } from "../rpc/block.ts";
import type { RpcPool } from "../rpc/rpc-pool.ts";
import { provenLedgerInterface as ledger } from "./contracts.ts";

/** @throws {ChainError} also when there is no ledger at the address */
export async function readRuleId(rpc: Pick<RpcPool, "call">, address: Hex): Promise<Hex> {
  const call = { to: address, data: ledger.encodeFunctionData("terms") };
  const result = await rpc.call("eth_call", [call, "latest"], data);
  if (result !== "0x") {
    const [terms] = ledger.decodeFunctionResult("terms", result) as unknown as [{ readonly ruleId: string }];
    return bytes32.parse(terms.ruleId);
  }
  throw new ChainError({
    code: "CHAIN_REVERTED",
    message: "there is no ledger at the address",
    details: { ledger: address },
  });
}
