/** Shows what contracts ask and what becomes of it, as the chain tells it. */

import { setTimeout as pause } from "node:timers/promises";
import type { JsonRpcProvider } from "ethers";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/index.ts";
import type { NetworkFile } from "../../devnet/network-file.ts";
import { answerStatusName } from "../../protocol/answer.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { decodePayload } from "../../protocol/payload.ts";
import { PartKind, type PromptPart } from "../../protocol/prompt-part.ts";
import { paint, printableLine, shorten } from "../terminal.ts";

/** Milliseconds between looks at the chain: half of a block's time. */
const LOOK_MS = 500;
/** Characters of a question. */
const SHOWN = 100;

export interface WatchOptions {
  readonly provider: JsonRpcProvider;
  readonly contracts: NetworkFile["contracts"];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Ends with the signal, and with the chain: whoever keeps the network up notices that too. */
export async function watchRequests({ provider, contracts, say, signal }: WatchOptions): Promise<void> {
  const coordinator = OracleCoordinator__factory.connect(contracts.coordinator, provider);
  const { Requested, Fulfilled, Refunded } = coordinator.filters;
  const names = new Map(Object.entries(contracts).map(([name, address]) => [address.toLowerCase(), name]));
  try {
    let next = await provider.getBlockNumber();
    for (;;) {
      await pause(LOOK_MS, undefined, { signal });
      const head = await provider.getBlockNumber();
      if (head < next) continue;
      for (const { args } of await coordinator.queryFilter(Requested(), next, head)) {
        const by = names.get(args.consumer.toLowerCase()) ?? args.consumer;
        say(`${time()}  ${paint.strong(by)} asks ${describePayload(args.payload as Hex)}`);
        say(paint.dim(`          ${args.requestId}`));
      }
      for (const { args } of await coordinator.queryFilter(Fulfilled(), next, head)) {
        const status = answerStatusName(Number(args.status)) ?? "disagreed";
        const delivered = args.delivered ? "" : paint.bad(", but the contract's callback failed");
        const shown = status === "ok" ? paint.good(status) : paint.wary(status);
        say(`${time()}  ${shorten(args.requestId)} answered: ${shown}${delivered}`);
      }
      for (const { args } of await coordinator.queryFilter(Refunded(), next, head))
        say(`${time()}  ${shorten(args.requestId)} ${paint.wary("refunded")}: nobody answered in time`);
      next = head + 1;
    }
  } catch {
    // The signal, or a chain that has gone.
  }
}

/** The question, where the chain shows it. */
function describePayload(payload: Hex): string {
  try {
    const decoded = decodePayload(fromHex(payload));
    if (!("prompt" in decoded)) return "a question that is not public";
    const { models, messages, parts } = decoded.prompt;
    const text = Array.from((messages.at(-1)?.content ?? "").replaceAll(/\s+/g, " "));
    const shown = text.length > SHOWN ? `${text.slice(0, SHOWN).join("")}…` : text.join("");
    const beside = parts.length === 0 ? "" : `, with ${parts.map(describePart).join(", ")}`;
    return printableLine(`${models.join(", ")}: "${shown}"${beside}`);
  } catch {
    return payload === "0x" ? "by URI" : "something that is no question";
  }
}

function describePart(part: PromptPart): string {
  if (part.kind === PartKind.page) return part.url;
  return part.kind === PartKind.read ? part.signature : part.uri;
}

function time(): string {
  return new Date().toTimeString().slice(0, 8);
}
