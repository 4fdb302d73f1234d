/** What a request's format asks of a model, and how the model's text becomes the answer's output. */

import { isPlainText, toUtf8 } from "../../protocol/bytes.ts";
import { parseJson, type Json } from "../../protocol/canonical-json.ts";
import { encodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { OutputKind, type OutputFormat } from "../../protocol/prompt.ts";
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
   * The bytes of the answer's output.
   *
   * @throws {OutputProblem} when the text is not what was asked for
   */
  readonly toOutput: (text: string) => Uint8Array<ArrayBuffer>;
}

/** @throws {InputError} INPUT_INVALID for a JSON Schema outside the supported subset */
export function createOutputContract(format: OutputFormat): OutputContract {
  switch (format.kind) {
    case OutputKind.text:
      return { schema: null, toOutput: toPlainText };
    case OutputKind.json:
      return jsonContract(format.schema);
    case OutputKind.choice:
      return choiceContract(format.choices);
    case OutputKind.abi:
      return abiContract(format.schema);
  }
}

function jsonContract(schemaText: string): OutputContract {
  const schema = parseJson(toUtf8(schemaText));
  checkJsonSchema(schema);
  const exactSchema = parseExactJson(schemaText);
  return {
    schema: { json: schema, strict: true },
    toOutput: (answer) => {
      const { text } = parseModelJson(answer);
      const problem = findSchemaProblem(exactSchema, parseExactJson(text));
      if (problem !== null) throw new OutputProblem(problem);
      // The model's own text, not a rendering of it: numbers past 2^53 would change.
      return toUtf8(text);
    },
  };
}

const CHOICE = parseOutputType("(uint256 index)");

function choiceContract(choices: readonly string[]): OutputContract {
  const json: Json = {
    type: "object",
    properties: { choice: { type: "string", enum: choices } },
    required: ["choice"],
    additionalProperties: false,
  };
  return {
    schema: { json, strict: true },
    toOutput: (answer) => {
      const { value } = parseModelJson(answer);
      const isAlone = isObject(value) && Object.keys(value).length === 1;
      const index = isAlone ? choices.findIndex((choice) => choice === value["choice"]) : -1;
      if (index < 0) throw new OutputProblem(`choice must be one of ${JSON.stringify(choices)}`);
      return encodeOutput(CHOICE, [BigInt(index)]);
    },
  };
}

function abiContract(typeText: string): OutputContract {
  const type = parseOutputType(typeText);
  return {
    schema: { json: toJsonSchema(type), strict: true },
    toOutput: (answer) =>
      encodeOutput(type, toOutputValues(type, parseExactJson(parseModelJson(answer).text))),
  };
}

/** An answer of nothing is none: what a model thought, and did not say, is not its answer. */
function toPlainText(text: string): Uint8Array<ArrayBuffer> {
  if (text.trim() === "") throw new OutputProblem("the answer must not be empty");
  if (!isPlainText(text)) throw new OutputProblem("the answer must be well-formed Unicode");
  return toUtf8(text);
}
