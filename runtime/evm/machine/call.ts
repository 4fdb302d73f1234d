/** Calls from one frame to another account. */

import type { Hex } from "../../../protocol/bytes.ts";
import { ACCESS_GAS, type Frame, type FrameEnd, type Message } from "./frame.ts";
import { precompileOf, type Precompile } from "./precompiles.ts";
import { addressOf, wordOf } from "./word.ts";

export const CallKind = { call: 0, callCode: 1, delegate: 2, static: 3 } as const;
export type CallKind = (typeof CallKind)[keyof typeof CallKind];

const VALUE_GAS = 9_000;
const NEW_ACCOUNT_GAS = 25_000;
const STIPEND = 2_300;
const MAX_DEPTH = 1024;

export function call(frame: Frame, kind: CallKind): void {
  const { message, state } = frame;
  const asked = frame.pop();
  const to = frame.popAddress();
  const hasValue = kind === CallKind.call || kind === CallKind.callCode;
  const value = hasValue ? frame.pop() : 0n;
  const [inOffset, inLength, outOffset, outLength] = [frame.pop(), frame.pop(), frame.pop(), frame.pop()];
  if (kind === CallKind.call && value > 0n) frame.checkMayChange();
  frame.expand(inOffset, inLength);
  frame.expand(outOffset, outLength);
  frame.touchAccount(to);
  const precompile = precompileOf(to);
  const code = precompile === null ? codeOf(frame, to) : new Uint8Array();
  if (value > 0n)
    frame.charge(VALUE_GAS + (kind === CallKind.call && state.isEmpty(to) ? NEW_ACCOUNT_GAS : 0));
  const gas = share(frame, asked) + (value > 0n ? STIPEND : 0);
  const inner: Message = {
    caller: kind === CallKind.delegate ? message.caller : message.address,
    address: kind === CallKind.call || kind === CallKind.static ? to : message.address,
    code,
    data: frame.memory.read(inOffset, Number(inLength)),
    value: kind === CallKind.delegate ? message.value : value,
    gas,
    isStatic: message.isStatic || kind === CallKind.static,
    depth: message.depth + 1,
  };
  const end = run(frame, inner, { moved: value, precompile });
  frame.giveBack(end.gasLeft);
  frame.returned = end.data;
  frame.memory.write(outOffset, end.data.subarray(0, Number(outLength)));
  frame.push(end.isOk ? 1n : 0n);
}

/** A sixty-fourth stays behind (EIP-150); what goes is paid. */
function share(frame: Frame, asked: bigint): number {
  const most = frame.gas - Math.floor(frame.gas / 64);
  const gas = asked < BigInt(most) ? Number(asked) : most;
  frame.charge(gas);
  return gas;
}

/** An account may have another's code run in its own place (EIP-7702). */
function codeOf(frame: Frame, to: Hex): Uint8Array {
  const code = frame.state.code(to);
  const target = delegateOf(code);
  if (target === null) return code;
  frame.charge(frame.state.touch(target) ? ACCESS_GAS.warm : ACCESS_GAS.coldAccount);
  return frame.state.code(target);
}

/** `0xef0100 ‖ address`. */
export function delegateOf(code: Uint8Array): Hex | null {
  const isDelegation = code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
  return isDelegation ? addressOf(wordOf(code.subarray(3))) : null;
}

interface Terms {
  readonly moved: bigint;
  readonly precompile: Precompile | null;
}

function run(frame: Frame, inner: Message, { moved, precompile }: Terms): FrameEnd {
  const { state } = frame;
  const from = frame.message.address;
  if (inner.depth > MAX_DEPTH || (moved > 0n && state.balance(from) < moved)) return failed(inner.gas);
  const mark = state.mark();
  state.transfer(from, inner.address, moved);
  const end = precompile === null ? frame.runMessage(inner) : runPrecompile(precompile, inner);
  if (!end.isOk) state.revertTo(mark);
  return end;
}

function failed(gasLeft: number): FrameEnd {
  return { isOk: false, data: new Uint8Array(), gasLeft };
}

function runPrecompile(precompile: Precompile, { data, gas }: Message): FrameEnd {
  const gasLeft = gas - precompile.gas(data);
  return gasLeft < 0 ? failed(0) : { isOk: true, data: precompile.run(data), gasLeft };
}
