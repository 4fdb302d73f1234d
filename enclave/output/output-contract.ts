/** What a request's format asks of a model, and how the model's text becomes the answer's output. */

import { fromHex, toUtf8 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { encodeOutput } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { OutputKind, type OutputFormat } from "../../protocol/prompt.ts";
import { OutputProblem, toJsonSchema, toOutputValues } from "./abi-schema.ts";
import { checkJsonSchema, findSchemaProblem } from "./json-schema.ts";

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
      return { schema: null, toOutput: (text) => toUtf8(wellFormed(text)) };
    case OutputKind.json:
      return jsonContract(format.schema);
    case OutputKind.choice:
      return choiceContract(format.choices);
    case OutputKind.abi:
      return abiContract(format.schema);
  }
}

function jsonContract(schemaText: string): OutputContract {
  const schema = JSON.parse(schemaText) as Json;
  checkJsonSchema(schema);
  return {
    schema: { json: schema, strict: false },
    toOutput: (text) => {
      const problem = findSchemaProblem(schema, parseModelJson(text));
      if (problem !== null) throw new OutputProblem(problem);
      // The model's own text, not a rendering of it: numbers past 2^53 would change.
      return toUtf8(wellFormed(text.trim()));
    },
  };
}

function choiceContract(choices: readonly string[]): OutputContract {
  const json: Json = {
    type: "object",
    properties: { choice: { type: "string", enum: choices } },
    required: ["choice"],
    additionalProperties: false,
  };
  return {
    schema: { json, strict: true },
    toOutput: (text) => {
      const value = parseModelJson(text);
      const chosen =
        typeof value === "object" && value !== null && "choice" in value ? value["choice"] : undefined;
      const index = choices.findIndex((name) => name === chosen);
      if (findSchemaProblem(json, value) !== null || index < 0) {
        throw new OutputProblem(`choice must be one of ${JSON.stringify(choices)}`);
      }
      return fromHex(`0x${index.toString(16).padStart(64, "0")}`);
    },
  };
}

function abiContract(typeText: string): OutputContract {
  const type = parseOutputType(typeText);
  return {
    schema: { json: toJsonSchema(type), strict: true },
    toOutput: (text) => encodeOutput(type, toOutputValues(type, parseModelJson(text))),
  };
}

function parseModelJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new OutputProblem("the answer must be JSON and nothing else");
  }
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new OutputProblem("the answer must be well-formed Unicode");
  return text;
}
