/** Views as a person writes them: `balanceOf(address) returns (uint256)`, with the call that asks one and the values that it returns. */

import { concatBytes, fromHex, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { formatFixed } from "../../protocol/fixed-point.ts";
import { decodeOutput, encodeOutput, solidityTypes, type OutputValue } from "../../protocol/output-abi.ts";
import { parseOutputType, type OutputField, type OutputType } from "../../protocol/output-type.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import { toOutputValues } from "../output/abi-schema.ts";
import { parseExactJson } from "../output/exact-json.ts";
import { OutputProblem } from "../output/output-problem.ts";

export interface View {
  readonly selector: Hex;
  readonly inputs: OutputType;
  /** May be more than Solidity's types: `ufixed256x18` has its decimals written out. */
  readonly returns: OutputType;
}

const SIGNATURE = /^\s*([A-Za-z_$][\w$]*)\s*(\(.*\))\s*returns\s*(\(.*\))\s*$/su;
const NOTHING = /^\(\s*\)$/;

/** @throws {InputError} INPUT_INVALID */
export function parseView(signature: string): View {
  const [, name, inputs, returns] = SIGNATURE.exec(signature) ?? [];
  if (name === undefined || inputs === undefined || returns === undefined)
    throw invalid("a view is written like balanceOf(address) returns (uint256)");
  const parsed = NOTHING.test(inputs) ? { fields: [] } : parseOutputType(named(inputs));
  const selector = keccak(toUtf8(`${name}${solidityTypes(parsed)}`)).slice(0, 10) as Hex;
  return { selector, inputs: parsed, returns: parseOutputType(named(returns)) };
}

const TOKEN = /[(),]|[^(),\s]+/g;

/** An output type names each of its fields; a signature need not. */
function named(types: string): string {
  const tokens = types.match(TOKEN) ?? [];
  let count = 0;
  return tokens
    .map((token, at) => {
      const next = tokens[at + 1];
      const isType = token !== "(" && token !== "," && (next === "," || next === ")");
      const before = tokens[at - 1];
      const isFirst = before === "(" || before === ",";
      const isSuffix = before === ")" && token.startsWith("[");
      if (!isType || !(isFirst || isSuffix || token === ")")) return token;
      count += 1;
      return `${token} value${count}`;
    })
    .join(" ");
}

/** @throws {InputError} INPUT_INVALID for arguments that are not the canonical encoding of its inputs */
export function callData({ selector, inputs }: View, encoded: Hex): Hex {
  if (inputs.fields.length > 0) decodeOutput(inputs, fromHex(encoded));
  else if (encoded !== "0x") throw invalid("the view takes no arguments");
  return `${selector}${encoded.slice(2)}` as Hex;
}

/** @throws {InputError} INPUT_INVALID for arguments that do not fit */
export function encodeCall({ selector, inputs }: View, args: readonly Json[]): Hex {
  if (args.length !== inputs.fields.length)
    throw invalid(`the view takes ${inputs.fields.length} arguments, and has ${args.length}`);
  const members = Object.fromEntries(inputs.fields.map(({ name }, index) => [name, args[index] ?? null]));
  try {
    const values = toOutputValues(inputs, parseExactJson(JSON.stringify(members)));
    return toHex(concatBytes(fromHex(selector), encodeOutput(inputs, values)));
  } catch (error) {
    if (error instanceof OutputProblem) throw invalid(error.message);
    throw error;
  }
}

/** Numbers are decimal strings. @throws {InputError} INPUT_INVALID for what is no encoding of its values */
export function returnedValues({ returns }: View, data: Hex): readonly Json[] {
  const values = decodeOutput(returns, fromHex(data));
  return returns.fields.map((field, index) => toJson(field, values[index] ?? "", 0));
}

function toJson(field: OutputField, value: OutputValue, depth: number): Json {
  const { base, arrays } = field;
  if (depth < arrays.length)
    return (value as readonly OutputValue[]).map((item) => toJson(field, item, depth + 1));
  if (base.kind === "tuple") {
    const members = value as Readonly<Record<string, OutputValue>>;
    return Object.fromEntries(
      base.fields.map((inner) => [inner.name, toJson(inner, members[inner.name] ?? "", 0)]),
    );
  }
  if (typeof value === "bigint") return formatFixed(value, base.kind === "fixed" ? base.decimals : 0);
  return value as boolean | string;
}

function invalid(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
