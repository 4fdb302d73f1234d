/** The body of payload type 2: a program, by its bytes or by its hash alone, and what it is given. docs/reference/protocol.md, Agent. */

import * as AbiParameters from "ox/AbiParameters";
import { equalBytes, fromHex, toHex, type Hex } from "./bytes.ts";
import { InputError } from "./errors.ts";
import { programHash } from "./agent-program.ts";

export interface AgentCall {
  readonly programHash: Hex;
  /** Empty where the enclave has it already. */
  readonly program: Uint8Array;
  readonly input: Uint8Array;
  readonly maxOutputBytes: number;
}

const AGENT_CALL_ABI = [
  {
    name: "call",
    type: "tuple",
    components: [
      { name: "programHash", type: "bytes32" },
      { name: "program", type: "bytes" },
      { name: "input", type: "bytes" },
      { name: "maxOutputBytes", type: "uint32" },
    ],
  },
] as const;

export function encodeAgentCall(call: AgentCall): Uint8Array<ArrayBuffer> {
  const value = { ...call, program: toHex(call.program), input: toHex(call.input) };
  return fromHex(AbiParameters.encode(AGENT_CALL_ABI, [value]).toLowerCase());
}

/** @throws {InputError} INPUT_INVALID for another encoding than the canonical one, and for a program of another hash */
export function decodeAgentCall(body: Uint8Array): AgentCall {
  let call: AgentCall;
  try {
    const [decoded] = AbiParameters.decode(AGENT_CALL_ABI, new Uint8Array(body));
    call = {
      programHash: decoded.programHash.toLowerCase() as Hex,
      program: fromHex(decoded.program),
      input: fromHex(decoded.input),
      maxOutputBytes: decoded.maxOutputBytes,
    };
    if (!equalBytes(encodeAgentCall(call), body)) throw new RangeError("not the canonical encoding");
  } catch (cause) {
    throw new InputError({ code: "INPUT_INVALID", message: "the payload is not an agent's call", cause });
  }
  if (call.program.length > 0 && programHash(call.program) !== call.programHash) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the program is not the one that the call names",
      details: { expected: call.programHash, actual: programHash(call.program) },
    });
  }
  return call;
}
