/** What a program is given and gives, between JSON and its bytes. */

import type { Manifest } from "../../protocol/agent-program.ts";
import { fromHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { decodeOutput, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType } from "../../protocol/output-type.ts";
import { typedFormat } from "../../runtime/agents/call-args.ts";
import { createOutputContract } from "../../runtime/output/output-contract.ts";
import { OutputProblem } from "../../runtime/output/output-problem.ts";

/** @throws {InputError} INPUT_INVALID for an input that is not of the manifest's type */
export function encodeInput(manifest: Manifest, value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  if (manifest.input === null) return toUtf8(text);
  try {
    return createOutputContract(typedFormat(manifest.input)).toOutput(text);
  } catch (error) {
    if (!(error instanceof OutputProblem)) throw error;
    throw new InputError({
      code: "INPUT_INVALID",
      message: `the input is not of the manifest's type ${manifest.input}: ${error.message}`,
    });
  }
}

/** Values by name where the manifest names a type, else the text. */
export function readOutput(output: Hex, type: string | null): OutputValue {
  if (output === "0x") return "";
  const bytes = fromHex(output);
  if (type === null) return new TextDecoder().decode(bytes);
  const { fields } = parseOutputType(type);
  const values = decodeOutput({ fields }, bytes);
  return Object.fromEntries(fields.map(({ name }, index) => [name, values[index] ?? ""]));
}
