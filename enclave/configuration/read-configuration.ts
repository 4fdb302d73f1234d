import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { ConfigError, type InputError } from "../../protocol/errors.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";
import { Behaviour } from "./behaviour.ts";
import { Operator } from "./operator.ts";

/** Bytes: a bundle of every public certificate authority is under 300 KiB. */
export const MAX_CONFIGURATION_BYTES = 4 * 1024 * 1024;

export interface Configuration {
  readonly behaviour: Behaviour;
  readonly behaviourDigest: Hex;
  readonly operator: Operator;
  readonly operatorDigest: Hex;
}

/**
 * Both files, read once: what changes on disk later changes nothing here.
 *
 * @throws {ConfigError} CONFIG_INVALID naming the file and field
 */
export function readConfiguration(behaviourBytes: Uint8Array, operatorBytes: Uint8Array): Configuration {
  const behaviourJson = toJson(behaviourBytes, "behaviour file");
  const operatorJson = toJson(operatorBytes, "operator file");
  const behaviour = parseWith(Behaviour, behaviourJson, "behaviour file");
  const operator = parseWith(Operator, operatorJson, "operator file");
  return {
    behaviour,
    behaviourDigest: configurationDigest(behaviourJson),
    operator,
    operatorDigest: configurationDigest((operatorJson as { readonly public: Json }).public),
  };
}

function toJson(bytes: Uint8Array, what: string): Json {
  if (bytes.length > MAX_CONFIGURATION_BYTES)
    throw invalid(what, `longer than ${MAX_CONFIGURATION_BYTES} bytes`);
  try {
    return parseUniqueJson(bytes);
  } catch (cause) {
    throw invalid(what, (cause as InputError).message, cause);
  }
}

function parseWith<Schema extends z.ZodType>(schema: Schema, json: Json, what: string): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw invalid(what, z.prettifyError(result.error));
}

function invalid(what: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError({
    code: "CONFIG_INVALID",
    message: `${what}: ${problem}`,
    details: { file: what },
    cause,
  });
}
