import * as z from "zod";
import { InputError } from "../../protocol/errors.ts";

/** @throws {InputError} INPUT_INVALID, naming the first field that is wrong */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `the call does not have its form: ${z.prettifyError(result.error)}`,
    details: { field: result.error.issues[0]?.path.join(".") ?? "" },
  });
}
