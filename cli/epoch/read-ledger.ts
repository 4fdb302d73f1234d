/** A proven ledger from its chain, and what enclaves signed for it from files and nodes. */

import type { JsonRpcProvider } from "ethers";
import { IEnclaveRegistry__factory, IProvenLedger__factory } from "../../contracts/bindings/index.ts";
import { TransitionsFile } from "../../coprocessor/epochs/epoch-file.ts";
import { mergeTransitions } from "../../coprocessor/epochs/merge-transitions.ts";
import { provenStateFrom, type ProvenState } from "../../coprocessor/epochs/proven-state.ts";
import type { EpochSigner } from "../../coprocessor/epochs/transition.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { bytes32 } from "../../protocol/fields.ts";
import { readJsonFile } from "../json-file.ts";

const MACHINE_GROUPS_AT = 256n;

export interface LedgerReading {
  readonly chainId: bigint;
  readonly ruleId: Hex;
  readonly smallRows: number;
  readonly largeRows: number;
  /** As of the newest block, whatever confirms it. */
  readonly state: ProvenState;
  readonly given: TransitionsFile;
  readonly signers: readonly EpochSigner[];
}

/** @throws {InputError} INPUT_INVALID for what is no file or route of transitions; as `provenStateFrom` */
export async function readLedger(
  provider: JsonRpcProvider,
  ledger: Hex,
  sources: readonly string[],
): Promise<LedgerReading> {
  const given = mergeTransitions(await Promise.all(sources.map(readTransitions)));
  const contract = IProvenLedger__factory.connect(ledger, provider);
  const { policyId, ruleId, smallRows, largeRows } = await contract.terms();
  const { chainId } = await provider.getNetwork();
  const logs = await provider.getLogs({ address: ledger, fromBlock: 0 });
  const state = provenStateFrom(
    logs.map(({ topics, data }) => ({ topics: topics as readonly Hex[], data: data as Hex })),
  );
  const registry = IEnclaveRegistry__factory.connect(await contract.ENCLAVES(), provider);
  const block = await provider.getBlock("latest");
  const signers = await Promise.all(
    given.signers.map(async ({ keysetId, answerKey, x, y }, index) => {
      const at = block?.timestamp ?? 0;
      const { vendor, distinctVendors } = await registry.memberOf(policyId, at, keysetId, answerKey);
      const group = distinctVendors ? vendor : MACHINE_GROUPS_AT + BigInt(index);
      return { keysetId, answerKey, x, y, group };
    }),
  );
  return {
    chainId,
    ruleId: bytes32.parse(ruleId),
    smallRows: Number(smallRows),
    largeRows: Number(largeRows),
    state,
    given,
    signers,
  };
}

async function readTransitions(from: string): Promise<TransitionsFile> {
  if (!/^https?:\/\//.test(from)) return readJsonFile(from, TransitionsFile, "name what enclaves signed");
  const reply = await fetch(from, { redirect: "error" });
  const parsed = TransitionsFile.safeParse(await reply.json().catch(() => undefined));
  if (reply.ok && parsed.success) return parsed.data;
  throw new InputError({ code: "INPUT_INVALID", message: `${from} does not serve transitions` });
}
