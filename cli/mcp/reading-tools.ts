/** Tools that judge and read: of a text, or of a request that the node has a receipt of. */

import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { verifyReceipt } from "../../attestation/receipt/verify-receipt.ts";
import { toUtf8 } from "../../protocol/bytes.ts";
import { AdytonError, InputError } from "../../protocol/errors.ts";
import { MAX_RECEIPT_BYTES } from "../../protocol/limits.ts";
import { inspect } from "../inspect/inspect.ts";
import { replayFile } from "../replay/replay-file.ts";
import { judgeText, readReceipt, toDetails, toVerdict, type Trust } from "./judge-text.ts";
import type { NodeIndex } from "./node-index.ts";
import { register } from "./tool.ts";

const REQUEST_ID = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/)
  .describe("a request's id");
const TEXT = z.string().max(MAX_RECEIPT_BYTES);
const RECEIPT = {
  receipt: TEXT.optional().describe("the receipt file's text"),
  requestId: REQUEST_ID.optional().describe("instead of a text: the node's receipt of this request"),
};

type ReceiptInput = z.output<z.ZodObject<typeof RECEIPT>>;

export interface ReadingOptions {
  readonly trust: Trust;
  readonly index: NodeIndex | null;
}

export function registerReadingTools(server: McpServer, { trust, index }: ReadingOptions): void {
  const hasPolicy = trust.policy !== undefined;
  const textOf = async ({ receipt, requestId }: ReceiptInput): Promise<string> => {
    if (receipt !== undefined && requestId === undefined) return receipt;
    if (requestId === undefined || receipt !== undefined) throw invalid("give either receipt or requestId");
    if (index === null) throw invalid("this server knows no node: give the receipt's text");
    return await index.receipt(requestId);
  };

  register(server, {
    name: "verify",
    title: "Verify a receipt or TEE evidence",
    description:
      "Judges a receipt, quote, attestation document or certificate by the policy of whoever runs this server. Only found.accepted = true means accepted.",
    world: "closed",
    input: z.object({
      text: TEXT.optional().describe("a receipt, or evidence as JSON, PEM, hex or base64"),
      requestId: RECEIPT.requestId,
      time: z.iso.datetime().optional().describe("judge evidence at this time; a receipt has its own"),
    }),
    run: async ({ text, requestId, time }) => {
      const outcome = await judgeText(await textOf({ receipt: text, requestId }), trust, time);
      return { found: toVerdict(outcome, hasPolicy), untrusted: toDetails(outcome) };
    },
  });

  register(server, {
    name: "inspect",
    title: "Say what a text is",
    description: "Says what a receipt or evidence claims. Judges nothing: every claim is unverified.",
    world: "closed",
    input: z.object({ text: TEXT }),
    run: ({ text }) => {
      const pieces = inspect(toUtf8(text));
      return Promise.resolve({ found: { judged: false, pieces: pieces.length }, untrusted: { pieces } });
    },
  });

  register(server, {
    name: "explain",
    title: "Explain a receipt",
    description:
      "The verdict, and under `untrusted` what was asked and answered and the transcript, 50 events at a time.",
    world: "closed",
    input: z.object({ ...RECEIPT, eventsFrom: z.int().min(0).default(0) }),
    run: async ({ eventsFrom, ...input }) => {
      const text = await textOf(input);
      const outcome = await judgeText(text, trust);
      return {
        found: toVerdict(outcome, hasPolicy),
        untrusted: { ...toDetails(outcome), receipt: readOrNull(text, eventsFrom) },
      };
    },
  });

  register(server, {
    name: "replay",
    title: "Replay an agent's run",
    description:
      "Runs an agent's program again from its receipt, in the metered sandbox and without network, and compares calls, gas and output.",
    world: "closed",
    input: z.object(RECEIPT),
    run: async (input) => {
      const { receipt } = await verifyReceipt(toUtf8(await textOf(input)));
      const { verdict, ...details } = await replayFile(receipt, null);
      return { found: { genuine: true, replay: verdict }, untrusted: details };
    },
  });
}

/** A file that is no receipt has a verdict, and nothing to read. */
function readOrNull(text: string, from: number): unknown {
  try {
    return readReceipt(text, from);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return null;
  }
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
