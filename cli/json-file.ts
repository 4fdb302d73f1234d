/** JSON files of ours that a command reads: whatever is wrong with one is said with its name. */

import type * as z from "zod";
import { AdytonError, InputError } from "../protocol/errors.ts";
import { refusedField } from "../protocol/fields.ts";
import { parseUniqueJson } from "../protocol/unique-json.ts";
import { readInput } from "./input-file.ts";

/**
 * @param missing what to do when there is no such file, or it is another one
 * @throws {InputError} INPUT_NOT_FOUND when there is none or it cannot be read; INPUT_INVALID, with the first field, when it has another form
 */
export function readJsonFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  missing: string,
): z.output<Schema> {
  const result = schema.safeParse(parse(file, read(file, missing)));
  if (result.success) return result.data;
  const field = refusedField(result.error);
  const what = `${field === "" ? "" : `${field}: `}${result.error.issues[0]?.message ?? "another form"}`;
  const message = `${file}: ${what}${missing === "" ? "" : ` (${missing})`}`;
  throw new InputError({ code: "INPUT_INVALID", message, details: { field } });
}

function read(file: string, missing: string): Uint8Array {
  try {
    return readInput(file);
  } catch (cause) {
    if (!(cause instanceof InputError) || !isAbsent(cause)) throw cause;
    throw new InputError({ code: "INPUT_NOT_FOUND", message: `there is no ${file}: ${missing}`, cause });
  }
}

const isAbsent = ({ cause }: Error): boolean =>
  (cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";

function parse(file: string, bytes: Uint8Array): unknown {
  try {
    return parseUniqueJson(bytes);
  } catch (cause) {
    if (!(cause instanceof AdytonError)) throw cause;
    throw new InputError({ code: "INPUT_INVALID", message: `${file} is broken: ${cause.message}`, cause });
  }
}
