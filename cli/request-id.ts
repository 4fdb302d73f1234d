import type { Hex } from "../protocol/bytes.ts";
import { InputError } from "../protocol/errors.ts";
import { commandLine } from "./invocation.ts";

/**
 * A request's id as somebody typed it, in any case of letters.
 *
 * @throws {InputError} INPUT_INVALID saying where ids stand
 */
export function parseRequestId(text: string): Hex {
  if (/^0x[0-9a-f]{64}$/i.test(text)) return text.toLowerCase() as Hex;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${text} is no request id: 0x and 64 hex digits, as \`${commandLine("ask")}\` and the coordinator's events show it`,
  });
}
