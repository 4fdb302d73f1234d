/** A question in words, with an answer in words or in values of chosen types, through the Concierge contract. */

import type { ContractTransactionResponse, JsonRpcProvider, Signer } from "ethers";
import { Concierge__factory } from "../../contracts/bindings/factories/index.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { encodePartBody } from "../../protocol/prompt-part.ts";
import type { Prompt } from "../../protocol/prompt.ts";
import { askContract, type Answered, type AskStep } from "./ask-contract.ts";
import { isPlain } from "./question.ts";

export interface ConciergeQuestion {
  readonly prompt: Prompt;
  /** An account of the network's own when not told. */
  readonly signer?: Signer;
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
  const { prompt, fee, approve, timeoutMs, onStep } = asked;
  return await askContract({
    provider,
    signer: asked.signer ?? localSigner(provider, LocalAccount.asker),
    coordinator: contracts.coordinator,
    oracleUrl,
    send: (signer, offered, value) =>
      sendPrompt({ concierge: contracts.concierge, signer, prompt }, offered, value),
    ...(fee === undefined ? {} : { fee }),
    ...(approve === undefined ? {} : { approve }),
    monotonicMs: () => performance.now(),
    timeoutMs,
    onStep,
  });
}

interface Sending {
  readonly concierge: Hex;
  readonly signer: Signer;
  readonly prompt: Prompt;
}

/** The plainest entry of the contract that asks it. */
export function sendPrompt(
  { concierge, signer, prompt }: Sending,
  fee: bigint,
  value: bigint,
): Promise<ContractTransactionResponse> {
  const contract = Concierge__factory.connect(concierge, signer);
  const [model = ""] = prompt.models;
  const [message] = prompt.messages;
  if (isPlain(prompt))
    return contract.ask(model, message?.content ?? "", prompt.format.schema, fee, { value });
  const parts = prompt.parts.map((part) => ({ kind: part.kind, body: encodePartBody(part) }));
  return contract.askPrompt({ ...prompt, parts }, fee, { value });
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
