/** What a prompt names, checked before anything is fetched, and what it can be at most. */

import { InputError } from "../../protocol/errors.ts";
import { Mime, PartKind, type PromptPart } from "../../protocol/prompt-part.ts";
import { MAX_MEDIA, type ContentPart, type MediaType } from "../../runtime/models/media.ts";
import { quoteRead, toContractRead, type ContractRead } from "../../runtime/evm/contract-read.ts";
import type { PageSettings, ReadSettings, SourceSettings } from "../configuration/source-settings.ts";
import { checkReach, readReachableUrl } from "../egress/reachable-url.ts";
import { quotePage } from "./quote-page.ts";

export type FilePart = Extract<PromptPart, { readonly hash: unknown }>;

interface Part {
  /** Among the prompt's parts. */
  readonly index: number;
  /** For a person: `image 1 (https://…)`, counted from 1 over all parts. */
  readonly name: string;
}

interface Planned extends Part {
  readonly url: URL;
}

export interface PlannedFile extends Planned {
  readonly kind: "image" | "document";
  readonly part: FilePart;
  readonly mediaType: MediaType;
}

export interface PlannedPage extends Planned {
  readonly kind: "page";
  readonly settings: PageSettings;
}

export interface PlannedRead extends Part {
  readonly kind: "read";
  readonly read: ContractRead;
  readonly settings: ReadSettings;
}

export type PlannedSource = PlannedFile | PlannedPage | PlannedRead;

const MEDIA_TYPES = {
  [Mime.png]: "image/png",
  [Mime.jpeg]: "image/jpeg",
  [Mime.webp]: "image/webp",
  [Mime.pdf]: "application/pdf",
} as const;

/**
 * @param settings null where the behaviour file has none
 * @throws {InputError} INPUT_INVALID for a part that is not served, and a URL that is not reached
 */
export function planSources(
  parts: readonly PromptPart[],
  settings: SourceSettings | null,
): readonly PlannedSource[] {
  const planned = parts.map((part, index) => planSource(part, index, settings));
  const pages = planned.filter(({ kind }) => kind === "page").length;
  const reads = planned.filter(({ kind }) => kind === "read").length;
  const most = settings?.pages?.most ?? 0;
  const mostReads = settings?.reads?.most ?? 0;
  if (pages > most) throw invalid(`a prompt has at most ${most} pages here`);
  if (reads > mostReads) throw invalid(`a prompt has at most ${mostReads} reads here`);
  if (planned.length - pages - reads > MAX_MEDIA)
    throw invalid(`a prompt has at most ${MAX_MEDIA} images and documents together`);
  return planned;
}

function planSource(part: PromptPart, index: number, settings: SourceSettings | null): PlannedSource {
  if (part.kind === PartKind.read) return planRead(part, index, settings);
  if (part.kind === PartKind.page) {
    if (settings?.pages === undefined) throw invalid("this enclave serves no pages");
    const name = `page ${index + 1} (${part.url})`;
    return { kind: "page", index, url: readUrl(part.url, name, settings), name, settings: settings.pages };
  }
  const kind = part.kind === PartKind.image ? "image" : "document";
  if (settings === null) throw invalid(`this enclave serves no ${kind}s`);
  const name = `${kind} ${index + 1} (${part.uri})`;
  const url = readUrl(part.uri, name, settings);
  return { kind, index, part, mediaType: MEDIA_TYPES[part.mime], url, name };
}

function planRead(part: ContractRead["part"], index: number, settings: SourceSettings | null): PlannedRead {
  if (settings?.reads === undefined) throw invalid("this enclave serves no chain reads");
  const name = `read ${index + 1} (${part.signature})`;
  try {
    return { kind: "read", index, name, read: toContractRead(part), settings: settings.reads };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw invalid(`${name}: ${error.message}`);
  }
}

function readUrl(text: string, name: string, settings: SourceSettings): URL {
  try {
    const url = readReachableUrl(text, settings);
    checkReach(url, settings);
    return url;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw invalid(`${name}: ${error.message}`);
  }
}

/** In place of what is not fetched yet: the same media, and a text as long as it can be. Its price is the worst case. */
export function placeholderOf(planned: PlannedSource): ContentPart {
  if (planned.kind === "read")
    return { text: quoteRead(planned.read, "x".repeat(planned.settings.textBytes)) };
  if (planned.kind !== "page") return { media: { mediaType: planned.mediaType, base64: "", name: null } };
  return quotePage(planned, { text: "x".repeat(planned.settings.textBytes), isWhole: false });
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
