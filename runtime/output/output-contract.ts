/** What a request's format asks of a model, and how the model's text becomes the answer's output. */

import { isPlainText, toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { MAX_OUTPUT_BYTES } from "../../protocol/limits.ts";
import { encodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { OutputKind, type OutputFormat } from "../../protocol/prompt.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";
import { toJsonSchema, toOutputValues } from "./abi-schema.ts";
import { parseExactJson } from "./exact-json.ts";
import { checkJsonSchema, isObject } from "./json-schema.ts";
import { parseModelJson } from "./model-json.ts";
import { OutputProblem } from "./output-problem.ts";
import { findSchemaProblem } from "./schema-validation.ts";

export interface OutputContract {
  /** null for free text. */
  readonly schema: { readonly json: Json; readonly strict: boolean } | null;
  /**
   * The bytes of the answer's output, at most `maxBytes`. What cannot fit is not read any further: a model, or whoever speaks through
   * it, would otherwise choose how long the enclave is busy with an answer that nobody gets.
   *
   * @throws {OutputProblem} when the text is not what was asked for
   */
  readonly toOutput: (text: string, maxBytes?: number) => Uint8Array<ArrayBuffer>;
}

/**
 * Characters of an answer that are read: as many for each byte that may come of them, since JSON spells bytes in two or three, and
 * names and spaces come beside it; and never fewer than the names of a request may take.
 */
const READ_CHARACTERS_A_BYTE = 4;
const MIN_READ_CHARACTERS = 65_536;
/** Values of a JSON answer that are checked: each costs some microseconds to be read by its digits. */
const MAX_JSON_VALUES = 8_192;
/** Bytes of the least that any value takes in the ABI encoding. */
const WORD_BYTES = 32;

/** @throws {InputError} INPUT_INVALID for a JSON Schema outside the supported subset */
export function createOutputContract(format: OutputFormat): OutputContract {
  const { schema, read } = createReader(format);
  return {
    schema,
    toOutput: (text, maxBytes = MAX_OUTPUT_BYTES) => {
      if (text.length > Math.max(MIN_READ_CHARACTERS, READ_CHARACTERS_A_BYTE * maxBytes))
        throw tooLong(maxBytes);
      const output = read(text, maxBytes);
      if (output.length > maxBytes) throw tooLong(maxBytes);
      return output;
    },
  };
}

function tooLong(maxBytes: number): OutputProblem {
  return new OutputProblem(`it is longer than ${maxBytes} bytes`);
}

interface Reader {
  readonly schema: OutputContract["schema"];
  readonly read: (text: string, maxBytes: number) => Uint8Array<ArrayBuffer>;
}

function createReader(format: OutputFormat): Reader {
  switch (format.kind) {
    case OutputKind.text:
      return { schema: null, read: toPlainText };
    case OutputKind.json:
      return jsonContract(format.schema);
    case OutputKind.choice:
      return choiceContract(format.choices);
    case OutputKind.abi:
      return abiContract(format.schema);
  }
}

function jsonContract(schemaText: string): Reader {
  const schema = parseUniqueJson(toUtf8(schemaText));
  checkJsonSchema(schema);
  const exactSchema = parseExactJson(schemaText);
  return {
    schema: { json: schema, strict: true },
    read: (answer, maxBytes) => {
      const { text, leaves } = parseModelJson(answer);
      // It is the output, byte for byte.
      if (text.length > maxBytes) throw tooLong(maxBytes);
      if (leaves > MAX_JSON_VALUES) {
        throw new OutputProblem(
          `it has more than ${MAX_JSON_VALUES} values, which is too much to be checked`,
        );
      }
      const problem = findSchemaProblem(exactSchema, parseExactJson(text));
      if (problem !== null) throw new OutputProblem(problem);
      // The model's own text, not a rendering of it: numbers past 2^53 would change.
      return toUtf8(text);
    },
  };
}

const CHOICE = parseOutputType("(uint256 index)");

function choiceContract(choices: readonly string[]): Reader {
  const json: Json = {
    type: "object",
    properties: { choice: { type: "string", enum: choices } },
    required: ["choice"],
    additionalProperties: false,
  };
  return {
    schema: { json, strict: true },
    read: (answer) => {
      const { value } = parseModelJson(answer);
      const isAlone = isObject(value) && Object.keys(value).length === 1;
      const index = isAlone ? choices.findIndex((choice) => choice === value["choice"]) : -1;
      if (index < 0) throw new OutputProblem(`choice must be one of ${JSON.stringify(choices)}`);
      return encodeOutput(CHOICE, [BigInt(index)]);
    },
  };
}

function abiContract(typeText: string): Reader {
  const type = parseOutputType(typeText);
  return {
    schema: { json: toJsonSchema(type), strict: true },
    read: (answer, maxBytes) => {
      const { text, leaves } = parseModelJson(answer);
      if (leaves * WORD_BYTES > maxBytes) throw tooLong(maxBytes);
      return encodeOutput(type, toOutputValues(type, parseExactJson(text)));
    },
  };
}

/** An answer of nothing is none: what a model thought, and did not say, is not its answer. */
function toPlainText(text: string): Uint8Array<ArrayBuffer> {
  if (text.trim() === "") throw new OutputProblem("the answer must not be empty");
  if (!isPlainText(text)) throw new OutputProblem("the answer must be well-formed Unicode");
  return toUtf8(text);
}
