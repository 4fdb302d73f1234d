/** A question in words, with an answer in words or in values of chosen types, through the Concierge contract. */

import type { JsonRpcProvider } from "ethers";
import { Concierge__factory } from "../../contracts/bindings/factories/index.ts";
import { fromHex, fromUtf8, type Hex } from "../../protocol/bytes.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { LocalAccount } from "../../devnet/anvil.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import { askContract, type Answered, type AskStep } from "./ask-contract.ts";

export interface ConciergeQuestion {
  readonly question: string;
  readonly model: string;
  /** `null`: text. */
  readonly outputType: string | null;
  readonly fee?: bigint;
  readonly timeoutMs: number;
  readonly onStep: (step: AskStep, detail: string) => void;
}

export interface QuestionAnswered extends Answered {
  readonly question: string;
  /** As the contract holds it: text, or the values by name; `null` unless the status is ok. */
  readonly answer: OutputValue | null;
}

export async function askConcierge(
  { contracts, oracleUrl }: Pick<NetworkFile, "contracts" | "oracleUrl">,
  provider: JsonRpcProvider,
  asked: ConciergeQuestion,
): Promise<QuestionAnswered> {
  const { question, model, outputType, fee, timeoutMs, onStep } = asked;
  const answered = await askContract({
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
    monotonicMs: () => performance.now(),
    timeoutMs,
    onStep,
  });
  const reply = await Concierge__factory.connect(contracts.concierge, provider).replyTo(answered.requestId);
  const answer = answered.status === "ok" ? decodeReply(reply.output as Hex, outputType) : null;
  return { ...answered, question, answer };
}

function decodeReply(output: Hex, outputType: string | null): OutputValue {
  if (outputType === null) return fromUtf8(fromHex(output));
  const type = parseOutputType(outputType);
  const values = decodeOutput(type, fromHex(output));
  return Object.fromEntries(type.fields.map(({ name }, index) => [name, values[index] ?? ""]));
}
