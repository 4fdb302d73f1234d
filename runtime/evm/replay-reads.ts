/**
 * Derives what a question's model was told of contracts again, from the receipt and without the world: the header is hashed, proofs are
 * walked, and the views run once more, over what servers showed.
 *
 * Holds on return: in the state of the block that the answer is bound to, those are the values, and each model's request has them.
 * Left to the caller: whether the receipt is genuine (`verifyReceipt`), and that the chain has that block, which the coordinator checks.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { fromHex, fromUtf8, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodePayload, PayloadType } from "../../protocol/payload.ts";
import { PartKind } from "../../protocol/prompt-part.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import { understoodEvent, type TranscriptEvent } from "../../protocol/transcript.ts";
import { NotReplayable, ReplayDivergence } from "../agents/replay-verdict.ts";
import { bodyOf } from "../agents/recording.ts";
import { quoteRead, readContract, readHeader, toContractRead, type ContractRead } from "./contract-read.ts";
import { rpcRequest, rpcResult } from "./json-rpc.ts";
import { ProofRefused } from "./proof-refused.ts";
import { provenCall } from "./proven-call.ts";
import type { AskServer } from "./show-state.ts";

type ReadEvent = Extract<TranscriptEvent, { type: "state.read" }>;

export interface ReplayedRead {
  /** Among the prompt's parts, from 0. */
  readonly part: number;
  readonly label: string;
  /** JSON. */
  readonly value: string;
}

/** Whether a receipt's question reads contracts. */
export function hasReads(receipt: Receipt): boolean {
  return readsOf(receipt).length > 0;
}

function readsOf({ payload }: Receipt): readonly (readonly [number, ContractRead])[] {
  try {
    const decoded = decodePayload(fromHex(payload));
    if (decoded.type !== PayloadType.inference) return [];
    return decoded.prompt.parts.flatMap((part, index) =>
      part.kind === PartKind.read ? [[index, toContractRead(part)] as const] : [],
    );
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}

/** @throws {ReplayDivergence} naming the first difference; {NotReplayable} */
export async function replayReads(receipt: Receipt): Promise<readonly ReplayedRead[]> {
  const events = eventsOf(receipt);
  const recorded = events.filter((event): event is ReadEvent => event.type === "state.read");
  const [first] = recorded;
  if (first === undefined || receipt.stateBlock === null)
    throw new NotReplayable("noProgram", "the transcript has no read of a contract");
  const ask = recordedServer(receipt, events);
  const reads = new Map(readsOf(receipt));
  const missing = [...reads.keys()].find((part) => !recorded.some((event) => event.part === part));
  const isAsked = events.some((event) => event.type === "request.forwarded" && event.model !== null);
  if (missing !== undefined && isAsked)
    throw diverged(missing, "a proven value", "a model was asked without it");
  return await derived(async () => {
    const replayed: ReplayedRead[] = [];
    const header = await readHeader(ask, checkBlock(receipt, recorded));
    for (const { part, chainId, contentHash } of recorded) {
      const read = reads.get(part);
      if (read === undefined) throw diverged(part, contentHash, "the question has no such read");
      if (!("chainId" in receipt.domain) || receipt.domain.chainId.toString() !== chainId)
        throw diverged(part, chainId, "the answer is for another chain");
      const world = { header, chainId: BigInt(chainId) };
      const value = await readContract(read, {
        header,
        ask,
        run: (call, shown) => provenCall(world, call, shown),
      });
      const hash = toHex(sha256(toUtf8(value)));
      if (hash !== contentHash) throw diverged(part, contentHash, value);
      checkQuoted(receipt, events, { part, quote: quoteRead(read, value) });
      replayed.push({ part, label: read.part.label, value });
    }
    return replayed;
  });
}

function eventsOf({ transcript }: Receipt): readonly TranscriptEvent[] {
  const events = transcript.map(understoodEvent);
  if (events.includes(undefined))
    throw new NotReplayable("withheld", "events of the transcript are withheld or unknown");
  return events as readonly TranscriptEvent[];
}

/** What does not prove anything any more was proven when it was recorded, or the record says so wrongly. */
async function derived<Value>(derive: () => Promise<Value>): Promise<Value> {
  try {
    return await derive();
  } catch (error) {
    if (error instanceof ProofRefused || error instanceof InputError) {
      throw new ReplayDivergence({
        at: "read",
        call: null,
        expected: "a proven value",
        actual: error.message,
      });
    }
    throw error;
  }
}

function checkBlock(
  { stateBlock }: Receipt,
  recorded: readonly ReadEvent[],
): NonNullable<Receipt["stateBlock"]> {
  for (const { part, block } of recorded) {
    if (stateBlock === null || block.hash !== stateBlock.hash)
      throw diverged(part, block.hash, stateBlock?.hash ?? "no block");
  }
  if (stateBlock === null) throw new TypeError("a receipt with reads has a block");
  return stateBlock;
}

/** Gives the recorded answers to the requests that are made again, each once. */
function recordedServer(receipt: Receipt, events: readonly TranscriptEvent[]): AskServer {
  const answers = new Map<Hex, Hex[]>();
  for (const forwarded of events) {
    if (forwarded.type !== "request.forwarded" || forwarded.model !== null) continue;
    const { exchange, bodyHash } = forwarded;
    const received = events.find(
      (event) => event.type === "response.received" && event.exchange === exchange,
    );
    if (received?.type === "response.received")
      answers.set(bodyHash, [...(answers.get(bodyHash) ?? []), received.bodyHash]);
  }
  return (method, params) => {
    const request = rpcRequest(method, params);
    const name = answers.get(toHex(sha256(request)))?.shift();
    if (name === undefined) {
      throw new ReplayDivergence({
        at: "request",
        call: null,
        expected: "what the record asked for",
        actual: fromUtf8(request),
      });
    }
    const body = bodyOf(receipt, name, null);
    if (body === null) throw new NotReplayable("withheld", "a body that a chain's server sent is withheld");
    return Promise.resolve(rpcResult(body));
  };
}

/** A model was told the value, and nothing else in its place. */
function checkQuoted(
  receipt: Receipt,
  events: readonly TranscriptEvent[],
  { part, quote }: { readonly part: number; readonly quote: string },
): void {
  const inJson = JSON.stringify(quote).slice(1, -1);
  for (const event of events) {
    if (event.type !== "request.forwarded" || event.model === null) continue;
    const body = bodyOf(receipt, event.bodyHash, null);
    if (body === null) throw new NotReplayable("withheld", "a model's request is withheld");
    if (!fromUtf8(body).includes(inJson)) throw diverged(part, quote, `the request to ${event.model}`);
  }
}

function diverged(part: number, expected: string, actual: string): ReplayDivergence {
  return new ReplayDivergence({ at: "read", call: null, expected, actual: `part ${part + 1}: ${actual}` });
}
