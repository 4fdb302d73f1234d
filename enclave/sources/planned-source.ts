/** What a prompt names by its URL, checked before anything is fetched, and what it can be at most. */

import { InputError } from "../../protocol/errors.ts";
import { Mime, PartKind, type PromptPart } from "../../protocol/prompt-part.ts";
import { MAX_MEDIA, type ContentPart, type MediaType } from "../../runtime/models/media.ts";
import type { PageSettings, SourceSettings } from "../configuration/source-settings.ts";
import { checkReach, readReachableUrl } from "../egress/reachable-url.ts";
import { quotePage } from "./quote-page.ts";

export type FilePart = Extract<PromptPart, { readonly hash: unknown }>;

interface Planned {
  /** Among the prompt's parts. */
  readonly index: number;
  readonly url: URL;
  /** For a person: `image 1 (https://…)`, counted from 1 over all parts. */
  readonly name: string;
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

export type PlannedSource = PlannedFile | PlannedPage;

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
  const most = settings?.pages?.most ?? 0;
  if (pages > most) throw invalid(`a prompt has at most ${most} pages here`);
  if (planned.length - pages > MAX_MEDIA)
    throw invalid(`a prompt has at most ${MAX_MEDIA} images and documents together`);
  return planned;
}

function planSource(part: PromptPart, index: number, settings: SourceSettings | null): PlannedSource {
  if (part.kind === PartKind.read) throw invalid("this enclave serves no chain reads yet");
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
  if (planned.kind !== "page") return { media: { mediaType: planned.mediaType, base64: "", name: null } };
  return quotePage(planned, { text: "x".repeat(planned.settings.textBytes), isWhole: false });
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
