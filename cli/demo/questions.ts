/** The demo's two questions: one through the moderation contract with a typed answer, one in words. */

import type { JsonRpcProvider } from "ethers";
import { askConcierge } from "../ask/ask-concierge.ts";
import { askContract, type Answered, type AskStep } from "../ask/ask-contract.ts";
import { toPrompt } from "../ask/question.ts";
import { decodeReply } from "../ask/reply.ts";
import { Concierge__factory, ContentModerator__factory } from "../../contracts/bindings/factories/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import type { OutputValue } from "../../protocol/output-abi.ts";
import { LocalAccount } from "../../devnet/local-chain.ts";
import { localSigner } from "../../devnet/local-accounts.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";

export const POST = "You idiot, I will kill you and everyone in your house.";
export const QUESTION = "What is 1234 * 5678? Answer with the product only.";

const TIMEOUT_MS = 120_000;
/** `ContentModerator.Verdict`. */
const VERDICTS = ["none", "waiting", "shown", "hidden", "needs a human"] as const;

export interface QuestionAnswered extends Answered {
  readonly question: string;
  /** As the contract holds it; `null` unless it was answered. */
  readonly answer: OutputValue | null;
}

export type OnAskStep = (step: AskStep, detail: string) => void;

/** Has a post judged, and reads what the contract made of it. */
export async function moderate(
  { contracts, oracleUrl }: NetworkFile,
  provider: JsonRpcProvider,
  onStep: OnAskStep,
): Promise<QuestionAnswered> {
  const answered = await askContract({
    provider,
    signer: localSigner(provider, LocalAccount.asker),
    coordinator: contracts.coordinator,
    oracleUrl,
    send: (signer, fee, value) =>
      ContentModerator__factory.connect(contracts.moderator, signer).moderate(POST, fee, { value }),
    monotonicMs: () => performance.now(),
    timeoutMs: TIMEOUT_MS,
    onStep,
  });
  const post = await ContentModerator__factory.connect(contracts.moderator, provider).posts(
    answered.requestId,
  );
  const verdict = VERDICTS[Number(post.verdict)] ?? "none";
  const answer = answered.status === "ok" ? { verdict, severity: post.severity, reason: post.reason } : null;
  return { ...answered, question: POST, answer };
}

export async function askInWords(
  network: NetworkFile,
  provider: JsonRpcProvider,
  onStep: OnAskStep,
): Promise<QuestionAnswered> {
  const { model, contracts } = network;
  const prompt = toPrompt({ question: QUESTION, models: [model], outputType: null });
  const answered = await askConcierge(network, provider, { prompt, timeoutMs: TIMEOUT_MS, onStep });
  const reply = await Concierge__factory.connect(contracts.concierge, provider).replyTo(answered.requestId);
  const answer =
    answered.status === "ok" && answered.delivered ? decodeReply(reply.output as Hex, null) : null;
  return { ...answered, question: QUESTION, answer };
}
