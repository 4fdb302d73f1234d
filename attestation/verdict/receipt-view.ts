/** A receipt in words: what was asked and answered, and its transcript event by event. */

import { answerStatusName } from "../../protocol/answer.ts";
import { fromHex, type Hex } from "../../protocol/bytes.ts";
import { AdytonError } from "../../protocol/errors.ts";
import { formatFixed } from "../../protocol/fixed-point.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType, spellBounds, type OutputField } from "../../protocol/output-type.ts";
import { decodePayload } from "../../protocol/payload.ts";
import { OutputKind, Role, type Prompt } from "../../protocol/prompt.ts";
import type { Receipt } from "../../protocol/receipt.ts";
import {
  isUnderstood,
  understoodEvent,
  type Transport,
  type TranscriptEvent,
  type TranscriptLeaf,
} from "../../protocol/transcript.ts";
import type { UnixSeconds } from "../time/unix-time.ts";

/** A receipt as it is read: nothing in it is established by being shown. */
export interface ReceiptView {
  readonly requestId: Hex;
  /** Decimal; null off chain. */
  readonly chainId: string | null;
  readonly answeredAt: UnixSeconds;
  readonly keysetId: Hex;
  readonly signer: Hex;
  readonly evidenceKind: string;
  readonly evidenceBytes: number;
  readonly status: string;
  readonly outputBytes: number;
  /** What was asked, where the payload is one that can be read. */
  readonly asked: readonly {
    readonly role: "system" | "user" | "assistant" | "payload";
    readonly text: string;
  }[];
  readonly answered: Answered;
  readonly events: readonly EventView[];
  readonly eventCount: number;
  readonly withheld: number;
  /** Of an agent's program, so that it can be replayed. */
  readonly isRun: boolean;
  readonly provider: string | null;
}

export interface Answered {
  readonly fields: readonly { readonly name: string; readonly value: string; readonly type: string }[];
  readonly text: string | null;
}

export interface EventView {
  readonly title: string;
  readonly says: readonly string[];
  /** Bytes that the event names; null where it names none. */
  readonly size: number | null;
  readonly body: { readonly hash: Hex; readonly isHere: boolean } | null;
}

/** Events that are sent with a judgement; the others are asked for. */
export const EVENTS_AT_ONCE = 50;
/** Characters of a text; the whole of it is among the bytes. */
const MAX_TEXT = 20_000;

export function viewReceipt(receipt: Receipt): ReceiptView {
  const { answer, keyset, evidence, transcript, output } = receipt;
  const prompt = readPrompt(receipt);
  return {
    requestId: answer.requestId,
    chainId: "chainId" in receipt.request ? receipt.request.chainId.toString() : null,
    answeredAt: Number(answer.answeredAt),
    keysetId: answer.keysetId,
    signer: keyset.answerKey,
    evidenceKind: evidence.kind,
    evidenceBytes: hexBytes(evidence.bytes),
    status: answerStatusName(answer.status) ?? String(answer.status),
    outputBytes: hexBytes(output),
    asked: describeAsked(receipt, prompt),
    answered: describeAnswered(receipt, prompt),
    events: viewEvents(receipt, 0, EVENTS_AT_ONCE),
    eventCount: transcript.length,
    withheld: transcript.filter((leaf) => "leafHash" in leaf).length,
    isRun: transcript.some((leaf) => understoodEvent(leaf)?.type === "program.started"),
    provider: describeProvider(transcript.map(understoodEvent)),
  };
}

function hexBytes(hex: Hex): number {
  return (hex.length - 2) / 2;
}

function readPrompt({ payload }: Receipt): Prompt | null {
  try {
    const decoded = decodePayload(fromHex(payload));
    return "prompt" in decoded ? decoded.prompt : null;
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return null;
  }
}

const ROLE_WORDS = { [Role.system]: "system", [Role.user]: "user", [Role.assistant]: "assistant" } as const;

function describeAsked({ payload }: Receipt, prompt: Prompt | null): ReceiptView["asked"] {
  if (prompt !== null) {
    return prompt.messages.map(({ role, content }) => ({
      role: ROLE_WORDS[role],
      text: content.slice(0, MAX_TEXT),
    }));
  }
  const text = readText(payload);
  return [{ role: "payload", text: text ?? `${hexBytes(payload)} bytes that are not a public question` }];
}

function describeAnswered({ answer, output }: Receipt, prompt: Prompt | null): Answered {
  if (answerStatusName(answer.status) !== "ok") return { fields: [], text: null };
  if (prompt?.format.kind === OutputKind.abi) {
    const fields = readFields(prompt.format.schema, output);
    if (fields !== null) return { fields, text: null };
  }
  return { fields: [], text: readText(output) ?? output.slice(0, MAX_TEXT) };
}

function readFields(schema: string, output: Hex): Answered["fields"] | null {
  try {
    const type = parseOutputType(schema);
    const values = decodeOutput(type, fromHex(output));
    return type.fields.map((field, index) => ({
      name: field.name,
      value: showValue(field, values[index]).slice(0, MAX_TEXT),
      type: spellType(field),
    }));
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    return null;
  }
}

function spellType({ base, arrays, bounds }: OutputField): string {
  const isNumber = base.kind === "integer" || base.kind === "fixed";
  const size = isNumber
    ? `${base.signed ? "" : "u"}${base.kind === "fixed" ? "fixed" : "int"}${base.bits}`
    : base.kind;
  const suffix = arrays.map((length) => `[${length ?? ""}]`).join("");
  if (!isNumber || bounds === null) return `${size}${suffix}`;
  const { min, max } = spellBounds(base, bounds);
  return `${size}${suffix}, ${min} to ${max}`;
}

function showValue(field: OutputField, value: OutputValue | undefined): string {
  if (typeof value === "bigint" && field.base.kind === "fixed")
    return formatFixed(value, field.base.decimals);
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === "bigint" ? inner.toString() : inner,
  );
}

/** UTF-8 with something to read in it; null for other bytes. */
function readText(hex: Hex): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(fromHex(hex));
    return text.length > 0 && !text.includes("\0") ? text.slice(0, MAX_TEXT) : null;
  } catch {
    return null;
  }
}

export function viewEvents(
  { transcript, bodies }: Receipt,
  from: number,
  count: number,
): readonly EventView[] {
  return transcript.slice(from, from + count).map((leaf) => viewLeaf(leaf, bodies));
}

function viewLeaf(leaf: TranscriptLeaf, bodies: Receipt["bodies"]): EventView {
  if (!("event" in leaf))
    return { title: "Withheld", says: [`Its hash is ${leaf.leafHash}.`], size: null, body: null };
  if (!isUnderstood(leaf.event)) {
    const text = JSON.stringify(leaf.event);
    return {
      title: "Not understood",
      says: [`An event of another version: ${text.slice(0, 2_000)}`],
      size: null,
      body: null,
    };
  }
  return viewEvent(leaf.event, bodies);
}

function viewEvent(event: TranscriptEvent, bodies: Receipt["bodies"]): EventView {
  const body = (hash: Hex): EventView["body"] => ({ hash, isHere: Object.hasOwn(bodies, hash) });
  switch (event.type) {
    case "request.received": {
      const time = `${new Date(event.time * 1_000).toISOString().slice(11, 19)} UTC by the enclave's clock`;
      const says = [`from the oracle, at ${time}`, `clock: ${event.clock.source}`];
      return { title: "Received", says, size: null, body: null };
    }
    case "request.forwarded":
      return {
        title: "Sent",
        says: [`${event.method} to ${event.url}${event.model === null ? "" : `, model ${event.model}`}`],
        size: event.bodyBytes,
        body: body(event.bodyHash),
      };
    case "response.received": {
      const { status, usage, returnedModel, responseId, transport } = event;
      const tokens = usage === null ? [] : [`${usage.inputTokens} tokens in, ${usage.outputTokens} out`];
      const says = [
        [`HTTP ${status}`, returnedModel ?? "unnamed model", responseId ?? "", ...tokens]
          .filter((part) => part !== "")
          .join(", "),
        describeTransport(transport),
      ];
      return { title: "Came back", says, size: event.bodyBytes, body: body(event.bodyHash) };
    }
    case "exchange.failed":
      return {
        title: "Failed",
        says: [event.code, ...(event.transport === null ? [] : [describeTransport(event.transport)])],
        size: null,
        body: null,
      };
    case "upstream.attested": {
      const says = [
        `${event.kind} (${event.form}), for the key sha256 ${event.spkiHash}`,
        `covers ${event.covers.join(", ")}; judged by policy ${event.policyDigest}`,
      ];
      return { title: "Attested", says, size: event.evidenceBytes, body: body(event.evidenceHash) };
    }
    case "source.read": {
      const { page } = event;
      const cut = page === null || page.isWhole ? "" : ", cut for its length";
      const says = [`part ${event.part + 1}, ${event.kind}: ${event.mediaType}${cut}`];
      const kept = page === null ? null : body(event.contentHash);
      return { title: "Read", says, size: event.contentBytes, body: kept };
    }
    case "state.read": {
      const { part, block, contentHash, contentBytes } = event;
      const says = [`part ${part + 1}, a view of a contract, proven at block ${block.number}`];
      return { title: "Read", says, size: contentBytes, body: body(contentHash) };
    }
    case "output.returned": {
      const status = answerStatusName(event.status) ?? String(event.status);
      const reason = event.reason === null ? [] : [event.reason];
      return {
        title: "Returned",
        says: [`status ${status}`, ...reason],
        size: event.outputBytes,
        body: null,
      };
    }
    case "program.started": {
      const says = [`program ${event.programHash}`, `trigger: ${event.trigger}`];
      const kept = event.programBody === null ? null : body(event.programBody);
      return { title: "Program started", says, size: event.programBytes, body: kept };
    }
    case "event.proven": {
      const says = [`log ${event.logIndex} of block ${event.blockHash}, chain ${event.chainId}, proven`];
      return { title: "Event", says, size: event.proofBytes, body: body(event.proofHash) };
    }
    case "call.made":
      return {
        title: `Call ${event.call}`,
        says: [event.op],
        size: event.argsBytes,
        body: body(event.argsHash),
      };
    case "call.exchanged":
      return { title: `Call ${event.call}`, says: [`exchange ${event.exchange}`], size: null, body: null };
    case "call.settled": {
      const says = [event.code ?? "brought a result", ...(event.reason === null ? [] : [event.reason])];
      return { title: `Call ${event.call} came back`, says, size: event.resultBytes, body: null };
    }
    case "log.written":
      return { title: "Log", says: [], size: event.bytes, body: body(event.hash) };
    case "program.ended": {
      const says = [event.outcome, `${event.gas} gas, ${event.calls} calls`];
      return { title: "Program ended", says, size: event.resultBytes, body: null };
    }
  }
}

function describeTransport(transport: Transport): string {
  if (transport.kind === "plain-loopback") return `plain HTTP inside the machine, ${transport.address}`;
  const { host, port, protocol, cipher, spkiHash } = transport;
  return `${host}:${port} over ${protocol}, ${cipher}, server key SHA-256 ${spkiHash}`;
}

function describeProvider(events: readonly (TranscriptEvent | undefined)[]): string | null {
  for (const event of events) {
    // Of a model; what was read for it comes before.
    if (event?.type !== "response.received" || event.requestedModel === null) continue;
    const { transport, returnedModel, status } = event;
    const where = transport.kind === "tls" ? `${transport.host}:${transport.port}` : transport.address;
    return `${where}, ${returnedModel ?? "unnamed model"}, HTTP ${status}`;
  }
  return null;
}
