/** The thread in which everything is judged: the page stays answerable, and this thread can reach nobody. */

import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { Keyset } from "../../protocol/keyset.ts";
import { judge, type Judged } from "./judge.ts";
import type { Ask, Part, Replies, TextSlice } from "./judgement.ts";
import { makePolicy } from "./proposal.ts";
import { viewEvents } from "../../attestation/verdict/receipt-view.ts";

// The document's policy forbids connections; a worker has the policy that its own file was served with, which another
// server may not send. Everything that could connect is taken away before anything else runs.
for (const name of ["fetch", "XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "importScripts"])
  Object.defineProperty(globalThis, name, { value: undefined });

let judged: Judged | null = null;

async function reply(ask: Ask): Promise<Replies[keyof Replies]> {
  switch (ask.ask) {
    case "judge":
      judged = await judge(ask.task);
      return judged.judgement;
    case "events":
      return judged?.receipt == null ? [] : viewEvents(judged.receipt, ask.from, ask.count);
    case "body":
      return sliceBody(judged, ask);
    case "part":
      return slice(readPart(judged, ask.part), ask.from, ask.count);
    case "file":
      return judged?.subject?.bytes ?? null;
    case "makePolicy":
      return makePolicy(judged?.genuine ?? [], ask.rules);
  }
}

/** Longest body that is laid out for reading; a longer one is shown as it is. */
const MAX_LAID_OUT = 1_000_000;

function sliceBody(
  known: Judged | null,
  { hash, from, count }: { readonly hash: Hex; readonly from: number; readonly count: number },
): TextSlice {
  const body = known?.receipt?.bodies[hash];
  if (body === undefined) return { text: "", total: 0 };
  const text = new TextDecoder().decode(fromHex(body));
  return slice(text.length <= MAX_LAID_OUT ? layOut(text) : text, from, count);
}

function layOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

function readPart(known: Judged | null, part: Part): string {
  const receipt = known?.receipt ?? null;
  if (receipt === null) return part === "evidence" ? toDigits(known?.subject?.bytes) : "";
  switch (part) {
    case "evidence":
      return receipt.evidence.bytes.slice(2);
    case "claims":
      return new TextDecoder().decode(fromHex(receipt.evidence.claims));
    case "payload":
      return receipt.payload.slice(2);
    case "output":
      return receipt.output.slice(2);
    case "signature":
      return receipt.signature.slice(2);
    case "keyset":
      return JSON.stringify(Keyset.parse(receipt.keyset), null, 1);
  }
}

function toDigits(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : toHex(bytes).slice(2);
}

function slice(text: string, from: number, count: number): TextSlice {
  return { text: text.slice(from, from + count), total: text.length };
}

interface Numbered {
  readonly number: number;
  readonly ask: Ask;
}

addEventListener("message", ({ data }: MessageEvent<Numbered>) => {
  void reply(data.ask).then(
    (value) => {
      postMessage({ number: data.number, value });
    },
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      postMessage({ number: data.number, fault: message });
    },
  );
});
