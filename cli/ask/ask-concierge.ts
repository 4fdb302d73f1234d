/** A question in words, with an answer in words or in values of chosen types, through the Concierge contract. */

import type { JsonRpcProvider } from "ethers";
import { Concierge__factory } from "../../contracts/bindings/factories/index.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { askContract, type Answered, type AskStep } from "./ask-contract.ts";

export interface ConciergeQuestion {
  readonly question: string;
  readonly model: string;
  /** `null`: text. */
  readonly outputType: string | null;
  readonly fee?: bigint;
  readonly approve?: (wei: bigint) => void;
  readonly timeoutMs: number;
  readonly onStep: (step: AskStep, detail: string) => void;
}

export async function askConcierge(
  { contracts, oracleUrl }: Pick<NetworkFile, "contracts" | "oracleUrl">,
  provider: JsonRpcProvider,
  asked: ConciergeQuestion,
): Promise<Answered> {
  const { question, model, outputType, fee, approve, timeoutMs, onStep } = asked;
  return await askContract({
    provider,
    signer: localSigner(provider, LocalAccount.asker),
    coordinator: contracts.coordinator,
    oracleUrl,
    send: (signer, offered, value) =>
      Concierge__factory.connect(contracts.concierge, signer).ask(
        model,
        question,
        outputType ?? "",
        offered,
        {
          value,
        },
      ),
    ...(fee === undefined ? {} : { fee }),
    ...(approve === undefined ? {} : { approve }),
    monotonicMs: () => performance.now(),
    timeoutMs,
    onStep,
  });
}

/** What the contract was given for an answer: `null` where nothing was delivered. */
export async function readDelivered(
  { contracts }: Pick<NetworkFile, "contracts">,
  provider: JsonRpcProvider,
  { requestId, delivered }: Pick<Answered, "requestId" | "delivered">,
): Promise<Hex | null> {
  if (!delivered) return null;
  const { output } = await Concierge__factory.connect(contracts.concierge, provider).replyTo(requestId);
  return output as Hex;
}
