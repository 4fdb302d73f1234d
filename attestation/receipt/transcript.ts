/** What the transcript says: that it is the one signed, that its events tell one story, and that the bodies are theirs. */

import { sha256 } from "@noble/hashes/sha2.js";
import { AnswerStatus } from "../../protocol/answer.ts";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { OFF_CHAIN_DOMAIN_NAME } from "../../protocol/domain.ts";
import { isOnChain, type Receipt } from "../../protocol/receipt.ts";
import { toStateBlockText } from "../../protocol/state-block.ts";
import {
  isUnderstood,
  transcriptRoot,
  understoodEvent,
  type TranscriptEvent,
  type TranscriptLeaf,
} from "../../protocol/transcript.ts";
import { failure, passed, type ReceiptCheck } from "./step.ts";

export function checkTranscriptRoot({ transcript, answer }: Receipt): ReceiptCheck {
  const actual = transcriptRoot(transcript);
  if (actual !== answer.transcriptRoot) {
    throw failure("transcript-root", {
      message: "the transcript is not the one that was signed",
      details: { expected: answer.transcriptRoot, actual },
    });
  }
  const withheld = transcript.filter((leaf) => "leafHash" in leaf).length;
  return passed("transcript-root", `${transcript.length} events, ${withheld} withheld, root ${actual}`);
}

/** Those that are disclosed and of a type that we know: what the others say is not judged. */
function understoodEvents({ transcript }: Receipt): readonly (TranscriptEvent | undefined)[] {
  return transcript.map(understoodEvent);
}

/**
 * The events agree with each other and with the answer: received first, returned last, each exchange forwarded before
 * it is answered and answered by the host that was asked, and an ok answer resting on at least one complete response of a model. Events
 * withheld, and those that this version does not understand, are not judged.
 */
export function checkTranscriptEvents(receipt: Receipt): ReceiptCheck {
  const events = understoodEvents(receipt);
  checkEnds(receipt);
  const open = new Map<number, string>();
  const attested = new Map<number, Hex>();
  let answered = 0;
  for (const [index, event] of events.entries()) {
    const misplaced =
      (event?.type === "request.received" && index !== 0) ||
      (event?.type === "output.returned" && index !== events.length - 1);
    if (misplaced)
      throw failure("transcript-events", { message: "an event is out of order", details: { index } });
    if (event?.type === "request.forwarded") open.set(event.exchange, event.url);
    if (event?.type === "upstream.attested") attested.set(event.exchange, event.spkiHash);
    if (event?.type !== "response.received" && event?.type !== "exchange.failed") continue;
    checkEndpoint(event, open.get(event.exchange));
    checkAttestedKey(event, attested.get(event.exchange));
    if (!open.delete(event.exchange) && !events.includes(undefined)) {
      throw failure("transcript-events", {
        message: "a response has no request before it",
        details: { exchange: event.exchange },
      });
    }
    const isModels = event.type === "response.received" && event.requestedModel !== null;
    if (isModels && event.status >= 200 && event.status < 300) answered++;
  }
  const complete = !events.includes(undefined);
  // A program may ask nobody: what it returned is its own.
  const isProgram = events.some((event) => event?.type === "program.started");
  if (complete && !isProgram && receipt.answer.status === AnswerStatus.ok && answered === 0)
    throw failure("transcript-events", { message: "an ok answer rests on no successful response" });
  const said = [describeExchanges(events), describeContext(receipt), describeUnknown(receipt)];
  return passed("transcript-events", said.join(""));
}

/** The server that answered is the one that was asked: its certificate names the URL's host; without TLS, both are this machine. */
function checkEndpoint(
  { exchange, transport }: Extract<TranscriptEvent, { exchange: number; transport: unknown }>,
  asked: string | undefined,
): void {
  if (asked === undefined || transport === null) return;
  const url = URL.parse(asked);
  const name = url?.hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  const isRight =
    transport.kind === "tls"
      ? url?.protocol === "https:" && transport.host.toLowerCase() === name
      : url?.protocol === "http:" && transport.address.toLowerCase() === name;
  if (isRight) return;
  throw failure("transcript-events", {
    message: "an answer came from another host than was asked",
    details: {
      exchange,
      asked: name ?? asked,
      host: transport.kind === "tls" ? transport.host : transport.address,
    },
  });
}

/** What evidence vouched for is the key of the connection that the exchange went over. */
function checkAttestedKey(
  { exchange, transport }: Extract<TranscriptEvent, { exchange: number; transport: unknown }>,
  attested: Hex | undefined,
): void {
  if (attested === undefined || (transport?.kind === "tls" && transport.spkiHash === attested)) return;
  throw failure("transcript-events", {
    message: "the key that was attested is not the one of the exchange's connection",
    details: { exchange, attested },
  });
}

/** Off chain the caller's own 32 bytes are in no request: the hash of a payment, an order's number. */
function describeContext(receipt: Receipt): string {
  const [first] = understoodEvents(receipt);
  const isNamed =
    receipt.domain.name === OFF_CHAIN_DOMAIN_NAME &&
    first?.type === "request.received" &&
    !/^0x0+$/u.test(first.context);
  return isNamed ? `; the caller's context is ${first.context}` : "";
}

/** Kept and shown: they are under the signature like the others. */
function describeUnknown({ transcript }: Receipt): string {
  return transcript
    .flatMap((leaf) => ("event" in leaf && !isUnderstood(leaf.event) ? [leaf.event["type"]] : []))
    .map((type) => `; ${JSON.stringify(type)}: not understood`)
    .join("");
}

/** Withheld, or what belongs there: an event that is not understood has no place at either end. */
function checkEnds(receipt: Receipt): void {
  const { transcript } = receipt;
  const received = isWithheldOr(transcript[0], (event) => isReceived(receipt, event));
  const returned = isWithheldOr(transcript.at(-1), (event) => isReturned(receipt, event));
  if (received && returned) return;
  throw failure("transcript-events", {
    message: "the transcript's first or last event is not of this answer",
    details: { received, returned },
  });
}

function isWithheldOr(
  leaf: TranscriptLeaf | undefined,
  isRight: (event: TranscriptEvent) => boolean,
): boolean {
  if (leaf === undefined || !("event" in leaf)) return true;
  return isUnderstood(leaf.event) && isRight(leaf.event);
}

function isReturned({ answer }: Receipt, event: TranscriptEvent): boolean {
  return (
    event.type === "output.returned" &&
    event.status === answer.status &&
    event.outputHash === answer.outputHash
  );
}

function isReceived(receipt: Receipt, event: TranscriptEvent): boolean {
  if (event.type !== "request.received") return false;
  const { answer, domain, stateBlock } = receipt;
  const block = stateBlock === null ? null : toStateBlockText(stateBlock);
  return (
    event.requestId === answer.requestId &&
    event.domain === domain.name &&
    event.stateBlock?.number === block?.number &&
    event.stateBlock?.hash === block?.hash &&
    (!isOnChain(receipt) || event.context === receipt.request.context) &&
    BigInt(event.clock.lowerBound) <= answer.answeredAt
  );
}

/**
 * The evidence is the one that the enclave made at its start, to the byte. What surrounds the signed parts of a quote (PEM
 * line ends, a root's own signature) could otherwise be changed without changing what it means.
 */
export function checkEvidenceHash(receipt: Receipt): ReceiptCheck {
  const [received] = understoodEvents(receipt);
  const actual = toHex(sha256(fromHex(receipt.evidence.bytes)));
  if (received?.type !== "request.received")
    return passed("evidence-hash", `${actual}; the event that names it is withheld`);
  if (received.evidenceHash !== actual) {
    throw failure("evidence-hash", {
      message: "the evidence is not the one that the transcript names",
      details: { expected: received.evidenceHash, actual },
    });
  }
  return passed("evidence-hash", actual);
}

/** For a person: which endpoint answered, under which certificate. */
function describeExchanges(events: readonly (TranscriptEvent | undefined)[]): string {
  const exchanges = events.flatMap((event) => {
    if (event?.type === "exchange.failed") return [`exchange ${event.exchange} failed: ${event.code}`];
    if (event?.type !== "response.received") return [];
    const { transport } = event;
    const where =
      transport.kind === "tls"
        ? `${transport.host}:${transport.port} over ${transport.protocol}, key sha256 ${transport.spkiHash.slice(2, 18)}…`
        : `plain HTTP inside the machine, ${transport.address}`;
    const attestation = events.find(
      (other) => other?.type === "upstream.attested" && other.exchange === event.exchange,
    );
    const attested =
      attestation?.type === "upstream.attested"
        ? `, attested on the enclave's word (${attestation.kind}, covers ${attestation.covers.join(", ")})`
        : "";
    const what = event.requestedModel === null ? "an answer" : (event.returnedModel ?? "unnamed model");
    return [`${what} from ${where}, HTTP ${event.status}${attested}`];
  });
  const told = exchanges.length === 0 ? "no exchange with a model" : exchanges.join("; ");
  const last = events.at(-1);
  const reason = last?.type === "output.returned" ? last.reason : null;
  return reason === null ? told : `${told}; no output, on the enclave's word: ${reason}`;
}

interface NamedBody {
  readonly hash: Hex;
  readonly bytes: number;
}

function bodiesNamedBy(event: TranscriptEvent | undefined): readonly NamedBody[] {
  switch (event?.type) {
    case "request.forwarded":
    case "response.received":
      return [{ hash: event.bodyHash, bytes: event.bodyBytes }];
    case "program.started":
      return event.programBody === null ? [] : [{ hash: event.programBody, bytes: event.programBytes }];
    case "event.proven":
      return [{ hash: event.proofHash, bytes: event.proofBytes }];
    case "call.made":
      return [{ hash: event.argsHash, bytes: event.argsBytes }];
    case "log.written":
      return [event];
    case "upstream.attested":
      return [{ hash: event.evidenceHash, bytes: event.evidenceBytes }];
    case "state.read":
      return [{ hash: event.contentHash, bytes: event.contentBytes }];
    case "source.read":
      return event.page === null ? [] : [{ hash: event.contentHash, bytes: event.contentBytes }];
    default:
      return [];
  }
}

/** Each body is named by a disclosed event and hashes to its name; bodies may be withheld, not invented. */
export function checkBodies(receipt: Receipt): ReceiptCheck {
  const named = new Map<Hex, number>();
  for (const event of understoodEvents(receipt))
    for (const { hash, bytes } of bodiesNamedBy(event)) named.set(hash, bytes);
  for (const [name, body] of Object.entries(receipt.bodies) as [Hex, Hex][]) {
    const bytes = fromHex(body);
    const hash = toHex(sha256(bytes));
    if (hash !== name || named.get(hash) !== bytes.length) {
      throw failure("bodies", {
        message: "a body is not one of the exchanged ones",
        details: { name, hash },
      });
    }
  }
  return passed(
    "bodies",
    `${Object.keys(receipt.bodies).length} of ${named.size} disclosed, each hashes to its name`,
  );
}
