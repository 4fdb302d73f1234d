/** The body that a script or a workflow sends, with the block of its request put in: neither nodes nor enclave see the chain. */

import { inflateRawSync } from "node:zlib";
import * as z from "zod";
import { FunctionsAnswerCall } from "../../protocol/enclave-api.ts";
import { ChainError, InputError } from "../../protocol/errors.ts";
import { decodeFunctionsCall, MAX_FUNCTIONS_CALL_BYTES } from "../../protocol/functions-request.ts";
import { StateBlock } from "../../protocol/state-block.ts";

/** A block of the chain that the consumers are on; `undefined` for one that it has not got (yet). */
export type ReadBlock = (number: bigint) => Promise<StateBlock | undefined>;

const ScriptCall = FunctionsAnswerCall.omit({ stateBlock: true });

/**
 * The script's call with the block of its request: its own, so that whoever asks first binds the enclave to no other.
 *
 * @throws {InputError} INPUT_INVALID for no call; {ChainError} CHAIN_RPC_UNAVAILABLE while the chain has not got the block
 */
export async function withStateBlock(body: unknown, readBlock: ReadBlock): Promise<Buffer> {
  const parsed = parseCall(body);
  const { call } = parsed;
  const { request } = decodeFunctionsCall(inflate(call));
  const block = await readBlock(request.requestBlock);
  if (block === undefined) {
    throw new ChainError({
      code: "CHAIN_RPC_UNAVAILABLE",
      message: "the request's block is not known yet",
      details: { block: request.requestBlock.toString() },
    });
  }
  return Buffer.from(JSON.stringify({ ...parsed, stateBlock: z.encode(StateBlock, block) }));
}

function parseCall(body: unknown): z.output<typeof ScriptCall> {
  try {
    return ScriptCall.parse(JSON.parse(Buffer.isBuffer(body) ? body.toString("utf8") : ""));
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the body is no call of the script", cause });
  }
}

/** @throws {InputError} INPUT_INVALID for what is not compressed, or is longer than any call */
function inflate(call: string): Uint8Array {
  try {
    return new Uint8Array(
      inflateRawSync(Buffer.from(call, "base64"), { maxOutputLength: MAX_FUNCTIONS_CALL_BYTES }),
    );
  } catch (cause) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the call is not compressed as it must be",
      cause,
    });
  }
}
