/**
 * The forms in which people hold evidence: as it is, compressed, as hex or base64 text, as PEM, or somewhere in a document. A document
 * may hold several pieces; all of them are found, since a verdict on one says nothing of the others.
 */

import { fromUtf8, isHex, type Hex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { decodeBase64Text, decodeHexText } from "../encoding/encoded-text.ts";
import { gunzip, isGzip, type UnpackBudget } from "../encoding/gzip.ts";
import { bytesAfterQuote } from "../intel/quote.ts";
import { isResultToken } from "../results/result-token.ts";
import { findCertificateEvidence } from "../ra-tls/certificate-evidence.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { EvidenceInput } from "./evidence-input.ts";
import { parseJsonEvidence, withoutByteOrderMark } from "./json-evidence.ts";
import { tryOpenEvidence, type RecognisedEvidence } from "./recognise-evidence.ts";
import type { EvidenceKind } from "./verified-evidence.ts";

export type EvidenceForm = "raw" | "gzip" | "hex" | "base64" | "PEM" | "JSON";

export interface FoundEvidence {
  readonly form: EvidenceForm;
  /** Where in a JSON document it stands: `nvidia_payload.evidence_list[0]`; empty for all of the input. */
  readonly path: string;
  /** `certificate`: an X.509 certificate, for `verifyRaTlsCertificate`; anything else is for `verifyEvidence`. */
  readonly kind: EvidenceKind | "certificate";
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Null for a certificate. */
  readonly evidence: RecognisedEvidence | null;
  /** What stood beside the evidence in an attestation of ours, and should be what its report data commits to. */
  readonly claims: Hex | null;
}

/**
 * Finds every piece of evidence in what a person or a tool handed over, each once. A certificate is a piece where it
 * carries evidence, or where nothing else is found.
 *
 * @throws {EvidenceError} EVIDENCE_UNSUPPORTED when there is none; EVIDENCE_MALFORMED for JSON that names a member twice
 */
export function findEvidence(input: Uint8Array): readonly FoundEvidence[] {
  const search = new EvidenceSearch();
  search.lookInto(withoutByteOrderMark(new Uint8Array(input)), { form: "raw", path: "", depth: 0 });
  const found = search.pieces();
  refuseResult(input, found);
  if (found.length > 0) return found;
  throw new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: "no evidence of a known kind in it: tried raw bytes, hex, base64, PEM and JSON",
    details: { length: input.length },
  });
}

/** A token of somebody who judged evidence is their word, and holds certificates of theirs at most. */
function refuseResult(input: Uint8Array, found: readonly FoundEvidence[]): void {
  if (found.some(({ kind }) => kind !== "certificate") || !isResultToken(input)) return;
  throw new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message:
      "this is no evidence but a result that somebody else signed: adyton result checks whose word it is",
  });
}

/** Tag of SEQUENCE, and a length of two or more bytes: DER of anything as long as a certificate. */
const DER_SEQUENCE = 0x30;
const DER_LONG_LENGTHS: ReadonlySet<number | undefined> = new Set([0x82, 0x83]);

const QUOTES: ReadonlySet<EvidenceKind> = new Set(["sgx", "tdx", "simulator"]);

/** Most members looked at, numbers not counted. A piece behind more of them could not be judged, so that is an error. */
const MAX_MEMBERS = 65_536;
/** JSON in base64 in a JSON string and so on: services wrap evidence two or three times. What is wrapped more often is not judged. */
const MAX_DEPTH = 6;
/** Bytes that all that is compressed in a document may unpack to, what is damaged included. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;
/** Encoded runs looked at in text that is neither JSON nor all of one encoding, such as YAML. More would go unseen, so that is an error. */
const MAX_RUNS = 256;

interface Place {
  readonly form: EvidenceForm;
  readonly path: string;
  readonly depth: number;
  readonly claims?: Hex;
}

class EvidenceSearch {
  readonly #found = new Map<string, FoundEvidence>();
  #bareCertificate: FoundEvidence | undefined;
  #members = 0;
  readonly #unpacking: UnpackBudget = { bytesLeft: MAX_UNPACKED_BYTES };

  pieces(): readonly FoundEvidence[] {
    const found = [...this.#found.values()];
    return found.length === 0 && this.#bareCertificate !== undefined ? [this.#bareCertificate] : found;
  }

  /** Bytes in any form. Returns whether they are evidence by themselves. */
  lookInto(bytes: Uint8Array<ArrayBuffer>, place: Place): boolean {
    checkDepth(place);
    if (isDer(bytes)) return this.#addCertificate(bytes, place);
    if (isGzip(bytes)) return this.#lookIntoGzip(bytes, place);
    const text = toText(bytes);
    if (text !== undefined && bytes.length > MAX_TEXT_BYTES)
      throw unseen(`the text has more than ${MAX_TEXT_BYTES} bytes`);
    if (text === undefined || !isJsonText(text)) {
      const evidence = tryOpenEvidence(new EvidenceInput(bytes));
      if (evidence !== undefined) this.#lookBehind(evidence, place);
      if (this.#add(evidence, place)) return true;
      return text !== undefined && this.#lookIntoWords(text, place);
    }
    const before = this.#found.size;
    this.#lookIntoJson(bytes, place);
    return this.#found.size > before;
  }

  /** A quote ends where its lengths say; evidence that somebody wrote behind it is a piece too. */
  #lookBehind({ kind, bytes }: RecognisedEvidence, place: Place): void {
    if (!QUOTES.has(kind)) return;
    const after = bytesAfterQuote(bytes);
    if (after.length > 0) this.lookInto(after, { ...place, depth: place.depth + 1 });
  }

  /** Bytes that begin as gzip does and are none are something else's; more than may be unpacked could not be judged. */
  #lookIntoGzip(bytes: Uint8Array<ArrayBuffer>, place: Place): boolean {
    let unpacked: Uint8Array<ArrayBuffer>;
    try {
      unpacked = gunzip(bytes, this.#unpacking);
    } catch (error) {
      if (error instanceof EvidenceError && error.code === "EVIDENCE_MALFORMED") return false;
      throw error;
    }
    const form = place.form === "raw" ? "gzip" : place.form;
    return this.lookInto(unpacked, { ...place, form, depth: place.depth + 1 });
  }

  #add(evidence: RecognisedEvidence | undefined, place: Place): boolean {
    if (evidence === undefined) return false;
    const { kind, bytes } = evidence;
    this.#keep({ form: place.form, path: place.path, kind, bytes, evidence, claims: place.claims ?? null });
    return true;
  }

  /** The same piece in two places is one piece; the place that gives its claims is kept. */
  #keep(piece: FoundEvidence): void {
    const identity = `${piece.kind} ${new TextDecoder("latin1").decode(piece.bytes)}`;
    const known = this.#found.get(identity);
    if (known === undefined || (known.claims === null && piece.claims !== null))
      this.#found.set(identity, piece);
  }

  #addCertificate(bytes: Uint8Array<ArrayBuffer>, { form, path }: Place): boolean {
    const piece = { form, path, kind: "certificate", bytes, evidence: null, claims: null } as const;
    if (carriesEvidence(bytes)) this.#keep(piece);
    else this.#bareCertificate ??= piece;
    return true;
  }

  /** PEM blocks, hex, or base64 of either alphabet; white space inside means nothing. */
  #lookIntoWords(text: string, place: Place): boolean {
    const form = (decoded: EvidenceForm): Place => ({
      ...place,
      form: place.form === "JSON" ? "JSON" : decoded,
      depth: place.depth + 1,
    });
    const blocks = [...text.matchAll(PEM_BLOCKS)].map(([, , body = ""]) => decodeBase64Text(body));
    if (blocks.length > 0) {
      const isBlock = this.#lookIntoAll(blocks, form("PEM"));
      // A document with certificates in it may hold a quote beside them: passed over, it would go unseen.
      return this.#lookIntoRuns(text.replaceAll(PEM_BLOCKS, "\n"), form("base64")) || isBlock;
    }
    const hex = decodeHexText(text);
    if (hex !== undefined && this.lookInto(hex, form("hex"))) return true;
    const base64 = decodeBase64Text(text);
    if (base64 !== undefined) return this.lookInto(base64, form("base64"));
    return this.#lookIntoRuns(text, form("base64"));
  }

  /** What is encoded amid other text, YAML for one, in one line or folded. @throws {EvidenceError} EVIDENCE_UNSUPPORTED */
  #lookIntoRuns(text: string, place: Place): boolean {
    const runs = [...text.replaceAll(FOLDS, "").matchAll(ENCODED_RUNS)];
    if (runs.length > MAX_RUNS) throw unseen(`the text has more than ${MAX_RUNS} encoded runs`);
    const decoded = runs.map(([run]) => decodeHexText(run) ?? decodeBase64Text(run));
    return this.#lookIntoAll(decoded, place);
  }

  #lookIntoAll(all: readonly (Uint8Array<ArrayBuffer> | undefined)[], place: Place): boolean {
    return all.map((bytes) => bytes !== undefined && this.lookInto(bytes, place)).includes(true);
  }

  /** @throws {EvidenceError} EVIDENCE_MALFORMED, EVIDENCE_UNSUPPORTED */
  #lookIntoJson(bytes: Uint8Array<ArrayBuffer>, place: Place): void {
    checkDepth(place);
    const input = new EvidenceInput(bytes);
    // A document that names a member twice has two meanings; text that only looks like JSON is for nobody to judge.
    const json = input.json ?? (isJson(bytes) ? parseJsonEvidence(bytes) : undefined);
    if (json === undefined) return;
    const whole = tryOpenEvidence(input);
    const queue: [unknown, string][] = this.#add(whole, place)
      ? [...innerMembers(json, place.path, whole?.members)]
      : [[json, place.path]];
    // Breadth first, and `queue` grows while it is walked.
    for (const [member, path] of queue) {
      this.#members += 1;
      if (this.#members > MAX_MEMBERS) throw unseen(`the document has more than ${MAX_MEMBERS} members`);
      for (const inner of this.#lookIntoMember(member, { ...place, form: "JSON", path })) queue.push(inner);
    }
  }

  /** @returns the members that are still to be looked into */
  #lookIntoMember(member: unknown, place: Place): readonly [unknown, string][] {
    if (typeof member === "string") {
      this.#lookIntoText(member, place);
      return [];
    }
    if (typeof member !== "object" || member === null) return [];
    if (isByteArray(member)) {
      this.lookInto(Uint8Array.from(member), { ...place, depth: place.depth + 1 });
      return [];
    }
    const { bytes, claims } = member as { readonly bytes?: unknown; readonly claims?: unknown };
    if (typeof bytes === "string" && isHex(claims)) {
      this.#lookIntoText(bytes, { ...place, claims });
      return innerMembers(member, place.path, ["bytes", "claims"]);
    }
    const evidence = tryOpenEvidence(new EvidenceInput({ json: member }));
    this.#add(evidence, place);
    return innerMembers(member, place.path, evidence?.members);
  }

  #lookIntoText(text: string, place: Place): void {
    const trimmed = text.trim();
    if (trimmed.length < MIN_TEXT_LENGTH) return;
    if (!isJsonText(trimmed)) this.#lookIntoWords(trimmed, place);
    else this.#lookIntoJson(new TextEncoder().encode(trimmed), { ...place, depth: place.depth + 1 });
  }
}

/** Nothing is passed over in silence. */
function unseen(what: string): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_UNSUPPORTED",
    message: `${what}: what follows would go unseen`,
  });
}

function checkDepth({ depth }: Place): void {
  if (depth > MAX_DEPTH) throw unseen(`text in more than ${MAX_DEPTH} encodings`);
}

function isDer([tag, length]: Uint8Array): boolean {
  return tag === DER_SEQUENCE && DER_LONG_LENGTHS.has(length);
}

/** Certificates of other things stand in documents too; one that cannot be read says nothing of what it carries. */
function carriesEvidence(der: Uint8Array<ArrayBuffer>): boolean {
  try {
    findCertificateEvidence(parseCertificate(der));
    return true;
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return false;
  }
}

/** Bytes as Rust's and Node's serialisers write them: an array of numbers, long enough to be evidence. */
function isByteArray(value: object): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.length >= MIN_TEXT_LENGTH &&
    value.every((byte) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) <= 0xff)
  );
}

function toText(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes).trim();
  } catch {
    return undefined;
  }
}

function isJsonText(text: string): boolean {
  return text.startsWith("{") || text.startsWith("[");
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(fromUtf8(withoutByteOrderMark(bytes)));
    return true;
  } catch {
    return false;
  }
}

/** Characters of the shortest text that can be evidence: a quote's header is longer. */
const MIN_TEXT_LENGTH = 64;
/** Characters of the longest run that is taken out of a text: a pattern without an end runs out of stack over megabytes. */
const PEM_BLOCKS = /-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]{0,1048576})-----END \1-----/g;
/** Long enough for a report of any kind, in base64. */
const ENCODED_RUNS = /[A-Za-z0-9+/_-]{512,1048576}={0,2}/g;
/** The line end between two lines of folded base64 or hex; longer lines are not folded, and each is its own. */
const FOLDS =
  /(?<=^[ \t]{0,64}[A-Za-z0-9+/_-]{40,128})\r?\n[ \t]{0,64}(?=[A-Za-z0-9+/_-]{1,128}={0,2}[ \t]{0,64}\r?$)/gm;
/** Bytes of text that are looked through. More could hold what goes unseen, so that is an error. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/**
 * Single numbers are left out: many of them would hide what stands after them. Arrays of bytes are looked into as bytes. Of what is
 * evidence as a whole, the members that it consists of are left out, and what stands beside those, inside of them too, is not.
 */
function innerMembers(
  value: unknown,
  path: string,
  without: readonly string[] = [],
): readonly [unknown, string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]): readonly [unknown, string][] => {
    if (!["string", "object"].includes(typeof member)) return [];
    const place = Array.isArray(value) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    const isPart = without.includes(name) || (Array.isArray(value) && without.length > 0);
    return isPart ? innerMembers(member, place, without) : [[member, place]];
  });
}
