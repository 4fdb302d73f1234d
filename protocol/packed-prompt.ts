/**
 * A prompt's bytes, the body of payload type 1: every length before what it counts, nothing padded, and one spelling of each
 * prompt. docs/reference/protocol.md, Prompt.
 */

import { ByteCursor, uintBytes } from "./byte-cursor.ts";
import { concatBytes, fromUtf8, toUtf8 } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { MAX_PARTS, MAX_PAYLOAD_BYTES } from "./limits.ts";
import { decodePart, encodePart } from "./prompt-part.ts";
import {
  checkPrompt,
  Effort,
  OutputKind,
  PanelRule,
  PROVIDER_DEFAULT,
  type OutputFormat,
  type Prompt,
  type Sampling,
} from "./prompt.ts";

/** Bytes of each integer; `text…` count the bytes of a text behind them. */
const WIDTH = {
  count: 1,
  panelRule: 1,
  panelQuorum: 1,
  maxOutputTokens: 3,
  flags: 1,
  temperatureMilli: 2,
  topPMilli: 2,
  seed: 8,
  effort: 1,
  kind: 1,
  role: 1,
  textOfModel: 1,
  textOfSchema: 2,
  textOfChoice: 2,
  textOfMessage: 3,
} as const;

/** Bits of the sampling flags: the value follows. */
const FLAG = { temperatureMilli: 1, topPMilli: 2, seed: 4, effort: 8 } as const;
const ALL_FLAGS = 15;

/** @throws {InputError} INPUT_INVALID naming the field that is wrong; INPUT_TOO_LARGE for a text that no payload holds */
export function encodePrompt(prompt: Prompt): Uint8Array<ArrayBuffer> {
  const { models, panelRule, panelQuorum, messages, maxOutputTokens, sampling, format, parts } =
    checkPrompt(prompt);
  const panel =
    models.length === 1
      ? []
      : [uintBytes(panelRule, WIDTH.panelRule), uintBytes(panelQuorum, WIDTH.panelQuorum)];
  return concatBytes(
    ...encodeTexts(models, WIDTH.textOfModel),
    ...panel,
    uintBytes(maxOutputTokens, WIDTH.maxOutputTokens),
    encodeSampling(sampling),
    ...encodeFormat(format),
    uintBytes(messages.length, WIDTH.count),
    ...messages.flatMap(({ role, content }) => [
      uintBytes(role, WIDTH.role),
      encodeText(content, WIDTH.textOfMessage),
    ]),
    ...parts.map(encodePart),
  );
}

function encodeText(text: string, width: number): Uint8Array<ArrayBuffer> {
  const bytes = toUtf8(text);
  if (bytes.length > MAX_PAYLOAD_BYTES || bytes.length >= 256 ** width) {
    throw new InputError({
      code: "INPUT_TOO_LARGE",
      message: "a text of the prompt is longer than any payload",
      details: { size: bytes.length },
    });
  }
  return concatBytes(uintBytes(bytes.length, width), bytes);
}

function encodeTexts(texts: readonly string[], width: number): readonly Uint8Array<ArrayBuffer>[] {
  return [uintBytes(texts.length, WIDTH.count), ...texts.map((text) => encodeText(text, width))];
}

function encodeSampling({ temperatureMilli, topPMilli, seed, effort }: Sampling): Uint8Array<ArrayBuffer> {
  const values = [
    { name: "temperatureMilli", value: temperatureMilli, given: temperatureMilli !== PROVIDER_DEFAULT },
    { name: "topPMilli", value: topPMilli, given: topPMilli !== PROVIDER_DEFAULT },
    { name: "seed", value: seed, given: seed !== BigInt(PROVIDER_DEFAULT) },
    { name: "effort", value: effort, given: effort !== Effort.default },
  ] as const;
  const given = values.filter((each) => each.given);
  const flags = given.reduce((bits, { name }) => bits | FLAG[name], 0);
  return concatBytes(
    uintBytes(flags, WIDTH.flags),
    ...given.map(({ name, value }) => uintBytes(value, WIDTH[name])),
  );
}

function encodeFormat({ kind, schema, choices }: OutputFormat): readonly Uint8Array<ArrayBuffer>[] {
  const head = uintBytes(kind, WIDTH.kind);
  if (kind === OutputKind.text) return [head];
  if (kind === OutputKind.choice) return [head, ...encodeTexts(choices, WIDTH.textOfChoice)];
  return [head, encodeText(schema, WIDTH.textOfSchema)];
}

/**
 * A prompt from a payload's body.
 *
 * @throws {InputError} INPUT_INVALID when the bytes do not decode, are another spelling of a prompt, or break a rule
 */
export function decodePrompt(body: Uint8Array): Prompt {
  if (body.length > MAX_PAYLOAD_BYTES)
    throw new InputError({ code: "INPUT_INVALID", message: "the prompt is longer than any payload" });
  const cursor = new ByteCursor(body);
  // In the order of the bytes.
  const models = decodeTexts(cursor, WIDTH.textOfModel);
  const panel =
    models.length === 1
      ? { panelRule: PanelRule.none, panelQuorum: 0 }
      : { panelRule: cursor.uint(WIDTH.panelRule), panelQuorum: cursor.uint(WIDTH.panelQuorum) };
  const maxOutputTokens = cursor.uint(WIDTH.maxOutputTokens);
  const sampling = decodeSampling(cursor);
  const format = decodeFormat(cursor);
  const messages = repeat(cursor.uint(WIDTH.count), () => ({
    role: cursor.uint(WIDTH.role),
    content: decodeText(cursor, WIDTH.textOfMessage),
  }));
  const parts: unknown[] = [];
  while (cursor.remaining > 0 && parts.length <= MAX_PARTS) parts.push(decodePart(cursor));
  return checkPrompt({ models, ...panel, messages, maxOutputTokens, sampling, format, parts });
}

function repeat<Item>(count: number, read: () => Item): readonly Item[] {
  return Array.from({ length: count }, read);
}

function decodeText(cursor: ByteCursor, width: number): string {
  return fromUtf8(cursor.bytes(cursor.uint(width)));
}

function decodeTexts(cursor: ByteCursor, width: number): readonly string[] {
  return repeat(cursor.uint(WIDTH.count), () => decodeText(cursor, width));
}

function decodeSampling(cursor: ByteCursor): Sampling {
  const flags = cursor.uint(WIDTH.flags);
  const given = (name: keyof typeof FLAG): boolean => (flags & FLAG[name]) !== 0;
  const sampling: Sampling = {
    temperatureMilli: given("temperatureMilli") ? cursor.uint(WIDTH.temperatureMilli) : PROVIDER_DEFAULT,
    topPMilli: given("topPMilli") ? cursor.uint(WIDTH.topPMilli) : PROVIDER_DEFAULT,
    seed: given("seed") ? cursor.bigUint(WIDTH.seed) : BigInt(PROVIDER_DEFAULT),
    effort: given("effort") ? cursor.uint(WIDTH.effort) : Effort.default,
  };
  const spelledOut = given("effort") && sampling.effort === Effort.default;
  if ((flags & ~ALL_FLAGS) !== 0 || spelledOut) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the prompt's sampling has unknown flags, or spells out a default",
      details: { flags },
    });
  }
  return sampling;
}

function decodeFormat(cursor: ByteCursor): unknown {
  const kind = cursor.uint(WIDTH.kind);
  const plain = kind === OutputKind.json || kind === OutputKind.abi;
  return {
    kind,
    schema: plain ? decodeText(cursor, WIDTH.textOfSchema) : "",
    choices: kind === OutputKind.choice ? decodeTexts(cursor, WIDTH.textOfChoice) : [],
  };
}
