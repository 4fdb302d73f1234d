/** The tool that spends: only with --allow-ask, and never more than the cap. */

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";
import { parseReceipt } from "../../protocol/receipt.ts";
import { decodeReply } from "../ask/reply.ts";
import { askConcierge } from "../ask/ask-concierge.ts";
import { toPrompt } from "../ask/question.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { connectLocally } from "../../devnet/local-accounts.ts";
import { findNetwork } from "../network-file.ts";
import type { SpendCap } from "./spend-cap.ts";
import { judgeText, toVerdict, type Trust } from "./judge-text.ts";
import type { NodeIndex } from "./node-index.ts";
import { register } from "./tool.ts";

export interface AskOptions {
  readonly networkFile: string;
  /** Wei, for as long as this server runs. */
  readonly cap: bigint;
  readonly trust: Trust;
  readonly index: NodeIndex;
}

/** Characters: a question stands in a transaction. */
const MAX_QUESTION = 8_000;
const TIMEOUT_MS = 120_000;

export function registerAskTool(server: McpServer, options: AskOptions, cap: SpendCap): void {
  register(server, {
    name: "ask",
    title: "Ask a model through a contract (spends)",
    description:
      "Sends a question on chain, where it is public for ever, and pays for the answer from the account of this server, up to its cap.",
    world: "pays",
    input: z.object({
      question: z.string().trim().min(1).max(MAX_QUESTION),
      returns: z
        .string()
        .max(2_048)
        .optional()
        .describe('such as "(bool yes, string why)"; without it, text'),
      model: z.string().max(128).optional().describe("provider/model; without it, the network's"),
    }),
    run: async ({ question, returns, model }) => {
      if (returns !== undefined) parseOutputType(returns);
      const network = await findNetwork(options.networkFile);
      if (model !== undefined && !network.models.includes(model)) {
        throw new InputError({
          code: "INPUT_INVALID",
          message: `this network has no such model, but ${network.models.join(", ")}`,
        });
      }
      const provider = connectLocally(network.rpcUrl, network.chainId);
      try {
        const { requestId, status, delivered, reason } = await askConcierge(network, provider, {
          prompt: toPrompt({
            question,
            models: [model ?? network.model],
            outputType: returns ?? null,
          }),
          timeoutMs: TIMEOUT_MS,
          onStep: () => undefined,
          approve: (wei) => {
            cap.take(wei);
          },
        });
        const isSigned = !["refunded", "waiting", "notServed"].includes(status);
        const receipt = isSigned ? await options.index.settledReceipt(requestId).catch(() => null) : null;
        const outcome = receipt === null ? null : await judgeText(receipt, options.trust);
        const output = receipt === null || status !== "ok" ? null : parseReceipt(toUtf8(receipt)).output;
        return {
          found: {
            ...{ requestId, status, delivered, capLeftWei: cap.left.toString() },
            receipt: outcome === null ? null : toVerdict(outcome, options.trust.policy !== undefined),
          },
          untrusted: {
            modelOutput: output === null ? null : decodeReply(output, returns ?? null),
            reason,
          },
        };
      } finally {
        provider.destroy();
      }
    },
  });
}
