import { isPlainText, toUtf8 } from "../../protocol/bytes.ts";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { OutputProblem } from "./output-problem.ts";

export interface ModelJson {
  /** The JSON text alone, in the model's own spelling. */
  readonly text: string;
  readonly value: Json;
  /** Values in it that hold no other: what a typed answer has a word for each of. */
  readonly leaves: number;
}

/** The first line of a fence of Markdown: models that were told the schema in words like to add one around the whole answer. */
const FENCE = /^(`{3,16}|~{3,16})(?:json)?[ \t]*\r?\n/i;

/**
 * The one JSON value that a model's answer is.
 *
 * @throws {OutputProblem} for anything else, for nesting without end, and for an object that names a member twice: readers
 *   disagree about which of the two counts
 */
export function parseModelJson(answer: string): ModelJson {
  const text = withoutFence(answer.trim());
  if (!isPlainText(text)) throw new OutputProblem("the answer must be well-formed Unicode");
  let value: Json;
  try {
    value = parseJson(toUtf8(text));
  } catch (error) {
    if (error instanceof InputError)
      throw new OutputProblem("the answer must be one JSON value and nothing else");
    throw error;
  }
  const leaves = checkMembers(text);
  // Only an escape can spell half of a pair, in a text that is well-formed itself.
  if (SURROGATE_ESCAPE.test(text)) checkUnicode(value);
  return { text, value, leaves };
}

/** In one pass: a pattern for the whole would look for its end again from each of a megabyte of spaces. */
function withoutFence(text: string): string {
  const [line = "", fence = ""] = FENCE.exec(text) ?? [];
  const isClosed = fence !== "" && text.length >= line.length + fence.length && text.endsWith(fence);
  return isClosed ? text.slice(line.length, -fence.length).trim() : text;
}

const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;

/** An escape can spell half of a surrogate pair: a text that has no UTF-8, and that no reader could hash or pass on. */
function checkUnicode(value: Json): void {
  if (typeof value === "string") {
    if (!value.isWellFormed())
      throw new OutputProblem("the answer must be well-formed Unicode, in its escapes too");
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      checkUnicode(name);
      checkUnicode(inner);
    }
  }
}

/** Names of the members of each object that is open; null for a list. */
type Open = { readonly names: Set<string>; expectsName: boolean } | null;

/**
 * @param text valid JSON
 * @returns how many values hold no other: in a tree whose lists have commas between their items, one more than there are commas
 */
function checkMembers(text: string): number {
  const open: Open[] = [];
  let leaves = 1;
  for (let at = 0; at < text.length; at++) {
    const top = open.at(-1) ?? null;
    switch (text[at]) {
      case "{":
        open.push({ names: new Set(), expectsName: true });
        break;
      case "[":
        open.push(null);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        leaves += 1;
        if (top !== null) top.expectsName = true;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (top?.expectsName === true) addName(top, text.slice(at, end + 1));
        at = end;
        break;
      }
      default:
    }
  }
  return leaves;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function addName(object: NonNullable<Open>, literal: string): void {
  // Names may be spelled in two ways: "a" and "\u0061" are the same.
  const name = String(JSON.parse(literal));
  if (object.names.has(name)) throw new OutputProblem("an object of the answer names a member twice");
  object.names.add(name);
  object.expectsName = false;
}
