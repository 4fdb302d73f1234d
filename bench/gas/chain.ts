/** The contracts on a local chain, with everything that a measured transaction finds: policies, keys, balances. */

import {
  AbiCoder,
  type BigNumberish,
  type BytesLike,
  JsonRpcProvider,
  keccak256,
  NonceManager,
  toUtf8Bytes,
  type TransactionReceipt,
  type TransactionRequest,
  type TransactionResponse,
  ZeroAddress,
} from "ethers";
import * as bindings from "../../contracts/bindings/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { startAnvil } from "../../devnet/anvil.ts";
import { BEHAVIOUR, SIMULATOR_ROOT } from "./constants.ts";

const PRESENT = word(1n);
const ANY_PLATFORM = keccak256(toUtf8Bytes("any platform"));
const DAY_SECONDS = 86_400n;
const EVIDENCE_AGE_BLOCKS = 8_000;
const FALLBACK_WINDOW_SECONDS = 60;
const CANCEL_DELAY_SECONDS = 300;
/** Nearly the limit of EIP-7825. */
const GAS_LIMIT = 16_000_000;

/**
 * Sends everything with far more gas than it needs. An estimate is the least that does not revert in the block it was made
 * for: the block that includes the transaction may want a few gas more, and a batch goes on without an item that has too
 * little.
 */
class Owner extends NonceManager {
  override async sendTransaction(transaction: TransactionRequest): Promise<TransactionResponse> {
    return await super.sendTransaction({ gasLimit: GAS_LIMIT, ...transaction });
  }
}

export function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

/** What a rule of a policy is about, and its value (contracts/src/types/Policy.sol). */
export interface Rule {
  readonly kind: number;
  readonly subject: string;
  readonly value: string;
}

export function present(kind: number, subject: string): Rule {
  return { kind, subject, value: PRESENT };
}

/**
 * Rules that every policy here has: this verifier, this behaviour, any platform, a day, keys older than the request; mask 0
 * compares no register.
 */
function commonRules(verifier: string): readonly Rule[] {
  return [
    present(1, AbiCoder.defaultAbiCoder().encode(["address"], [verifier])),
    present(2, keccak256("0x0000")),
    present(3, BEHAVIOUR),
    present(4, ANY_PLATFORM),
    { kind: 192, subject: word(0n), value: word(DAY_SECONDS) },
    { kind: 193, subject: word(0n), value: word(1n) },
  ];
}

export type Chain = Awaited<ReturnType<typeof startChain>>;

export async function startChain() {
  const anvil = await startAnvil();
  const provider = new JsonRpcProvider(anvil.url, undefined, {
    cacheTimeout: -1,
    polling: true,
    pollingInterval: 10,
  });
  const owner = new Owner(await provider.getSigner(0));
  const enclaves = await new bindings.EnclaveRegistry__factory(owner).deploy(
    ZeroAddress,
    EVIDENCE_AGE_BLOCKS,
  );
  const enclavesAt = await enclaves.getAddress();
  const { x, y, name } = SIMULATOR_ROOT;
  const tdx = await new bindings.TdxVerifier__factory(owner).deploy(enclavesAt, x, y, name);
  const results = await new bindings.AttestationResultVerifier__factory(owner).deploy(enclavesAt);
  const coordinator = await new bindings.OracleCoordinator__factory(owner).deploy(
    enclavesAt,
    ZeroAddress,
    ZeroAddress,
    FALLBACK_WINDOW_SECONDS,
    CANCEL_DELAY_SECONDS,
  );
  const checker = await new bindings.AnswerChecker__factory(owner).deploy(await coordinator.getAddress());

  const createPolicy = async (salt: bigint, verifier: string, more: readonly Rule[]): Promise<Hex> => {
    const rules = [...commonRules(verifier), ...more];
    const policyId = await enclaves.create.staticCall(word(salt), ZeroAddress, 0, 0, rules);
    await (await enclaves.create(word(salt), ZeroAddress, 0, 0, rules)).wait();
    return policyId as Hex;
  };

  const mine = async (sent: Promise<TransactionResponse>): Promise<TransactionReceipt> => {
    const receipt = await (await sent).wait();
    if (receipt?.status !== 1) throw new Error("a measured transaction failed");
    return receipt;
  };

  const later = async (seconds: BigNumberish): Promise<void> => {
    await provider.send("evm_increaseTime", [Number(seconds)]);
    await provider.send("evm_mine", []);
  };

  return {
    provider,
    url: anvil.url,
    owner,
    enclaves,
    tdx,
    results,
    coordinator,
    checker,
    createPolicy,
    mine,
    /** Gas of a transaction, as its receipt has it. */
    gasOf: async (sent: Promise<TransactionResponse>): Promise<number> => Number((await mine(sent)).gasUsed),
    /** Calldata as a node makes it, sent to the coordinator. */
    settle: async (data: Hex): Promise<TransactionResponse> => {
      // In the second of its making a request's slot is not given back: no answer comes that soon.
      await later(1n);
      return await owner.sendTransaction({ to: await coordinator.getAddress(), data });
    },
    deployConsumer: async (policyId: BytesLike): Promise<bindings.GasConsumer> =>
      await new bindings.GasConsumer__factory(owner).deploy(await coordinator.getAddress(), policyId),
    later,
    stop: async (): Promise<void> => {
      provider.destroy();
      await anvil.stop();
    },
  };
}
