import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { anthropicMessages } from "../../../../runtime/models/anthropic-messages.ts";
import { geminiInteractions } from "../../../../runtime/models/gemini-interactions.ts";
import { gemini } from "../../../../runtime/models/gemini.ts";
import type { ModelFormat } from "../../../../runtime/models/model-format.ts";
import { createOpenaiChat, DEFAULT_CHAT_DIALECT } from "../../../../runtime/models/openai-chat.ts";
import { openaiResponses } from "../../../../runtime/models/openai-responses.ts";
import { RECORDINGS_FOLDER } from "./config.ts";

export const openaiChat = createOpenaiChat(DEFAULT_CHAT_DIALECT);

export interface Recording {
  /** `folder/file`, and the number of the reply in files that hold several. */
  readonly name: string;
  readonly format: ModelFormat;
  readonly streamed: boolean;
  readonly body: Uint8Array;
}

/** Folders, by the longest first, and the adapter that speaks what was recorded there. */
const FORMATS: readonly (readonly [string, ModelFormat])[] = [
  ["openai/responses/", openaiResponses],
  ["openai/chat/", openaiChat],
  ["openai-compatible/chat/", openaiChat],
  ["anthropic/", anthropicMessages],
  ["google/interactions/", geminiInteractions],
  ["google/", gemini],
];

export const RECORDINGS_PRESENT = existsSync(RECORDINGS_FOLDER);

export function recordingFiles(): readonly string[] {
  return readdirSync(RECORDINGS_FOLDER, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:json|txt|sse)$/.test(name))
    .sort();
}

/** One recording for each reply in a file: some hold the replies of a whole conversation, one after the other. */
export function readRecordings(file: string): readonly Recording[] {
  const format = FORMATS.find(([folder]) => file.startsWith(folder))?.[1];
  if (format === undefined) throw new Error(`no adapter for ${file}`);
  const body = readFileSync(join(RECORDINGS_FOLDER, file));
  if (file.endsWith(".json")) return [{ name: file, format, streamed: false, body }];
  if (file.endsWith(".sse")) return [{ name: file, format, streamed: true, body }];
  const streams: string[][] = [];
  let ended = true;
  for (const line of body.toString().trim().split("\n")) {
    if (ended && /"type":"(?:message_start|response\.created)"/.test(line)) streams.push([]);
    else if (streams.length === 0) streams.push([]);
    ended = /^\{"type":"(?:message_stop|response\.completed)"/.test(line);
    streams.at(-1)?.push(`data: ${line}\n\n`);
  }
  return streams.map((events, index) => ({
    name: streams.length === 1 ? file : `${file} ${index + 1}`,
    format,
    streamed: true,
    body: Buffer.from(events.join("")),
  }));
}

export function readRecording(file: string): Recording {
  const [recording] = readRecordings(file);
  if (recording === undefined) throw new Error(`nothing in ${file}`);
  return recording;
}
