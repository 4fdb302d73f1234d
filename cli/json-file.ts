/** JSON files of ours that a command reads: whatever is wrong with one is said with its name. */

import { readFileSync } from "node:fs";
import * as z from "zod";
import { parseJson } from "../protocol/canonical-json.ts";
import { AdytonError, InputError } from "../protocol/errors.ts";

/**
 * @param missing what to do when there is no such file
 * @throws {InputError} INPUT_NOT_FOUND when there is none; INPUT_INVALID when it cannot be read or has another form
 */
export function readJsonFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  missing: string,
): z.output<Schema> {
  const result = schema.safeParse(parse(file, read(file, missing)));
  if (result.success) return result.data;
  throw new InputError({ code: "INPUT_INVALID", message: `${file}: ${z.prettifyError(result.error)}` });
}

function read(file: string, missing: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new InputError({ code: "INPUT_NOT_FOUND", message: `there is no ${file}: ${missing}`, cause });
    throw new InputError({ code: "INPUT_INVALID", message: `${file} cannot be read: ${message}`, cause });
  }
}

function parse(file: string, bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (cause) {
    if (!(cause instanceof AdytonError)) throw cause;
    throw new InputError({ code: "INPUT_INVALID", message: `${file} is broken: ${cause.message}`, cause });
  }
}
