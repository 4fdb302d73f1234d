/** What each operation of the machine does and costs (Yellow Paper, appendix H, with the EIPs up to Osaka). */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Hex } from "../../../protocol/bytes.ts";
import { call, CallKind } from "./call.ts";
import { ACCESS_GAS, type Frame } from "./frame.ts";
import { Halt, NotSupported } from "./halt.ts";
import { bytesOf, extendSign, leadingZeros, power, signed, sliceOf, wordOf, wrap } from "./word.ts";

export interface Operation {
  readonly gas: number;
  readonly run: (frame: Frame) => void;
}

const BASE = 2;
const VERY_LOW = 3;
const LOW = 5;
const MID = 8;
const HIGH = 10;

const unary = (gas: number, compute: (a: bigint) => bigint): Operation => ({
  gas,
  run: (frame) => {
    frame.push(compute(frame.pop()));
  },
});

const binary = (gas: number, compute: (a: bigint, b: bigint) => bigint): Operation => ({
  gas,
  run: (frame) => {
    const a = frame.pop();
    frame.push(compute(a, frame.pop()));
  },
});

const ternary = (gas: number, compute: (a: bigint, b: bigint, c: bigint) => bigint): Operation => ({
  gas,
  run: (frame) => {
    const a = frame.pop();
    const b = frame.pop();
    frame.push(compute(a, b, frame.pop()));
  },
});

const value = (gas: number, read: (frame: Frame) => bigint): Operation => ({
  gas,
  run: (frame) => {
    frame.push(read(frame));
  },
});

const refused = (name: string): Operation => ({
  gas: 0,
  run: (frame) => {
    frame.checkMayChange();
    throw new NotSupported(`it uses ${name}`);
  },
});

const flag = (is: boolean): bigint => (is ? 1n : 0n);
const orZero = (divisor: bigint, compute: () => bigint): bigint => (divisor === 0n ? 0n : wrap(compute()));

const ARITHMETIC: Readonly<Record<number, Operation>> = {
  0x01: binary(VERY_LOW, (a, b) => wrap(a + b)),
  0x02: binary(LOW, (a, b) => wrap(a * b)),
  0x03: binary(VERY_LOW, (a, b) => wrap(a - b)),
  0x04: binary(LOW, (a, b) => orZero(b, () => a / b)),
  0x05: binary(LOW, (a, b) => orZero(b, () => signed(a) / signed(b))),
  0x06: binary(LOW, (a, b) => orZero(b, () => a % b)),
  0x07: binary(LOW, (a, b) => orZero(b, () => signed(a) % signed(b))),
  0x08: ternary(MID, (a, b, n) => orZero(n, () => (a + b) % n)),
  0x09: ternary(MID, (a, b, n) => orZero(n, () => (a * b) % n)),
  0x0a: {
    gas: HIGH,
    run: (frame) => {
      const base = frame.pop();
      const exponent = frame.pop();
      frame.charge(50 * Math.ceil(exponent.toString(16).length / 2) * (exponent === 0n ? 0 : 1));
      frame.push(power(base, exponent));
    },
  },
  0x0b: binary(LOW, extendSign),
  0x10: binary(VERY_LOW, (a, b) => flag(a < b)),
  0x11: binary(VERY_LOW, (a, b) => flag(a > b)),
  0x12: binary(VERY_LOW, (a, b) => flag(signed(a) < signed(b))),
  0x13: binary(VERY_LOW, (a, b) => flag(signed(a) > signed(b))),
  0x14: binary(VERY_LOW, (a, b) => flag(a === b)),
  0x15: unary(VERY_LOW, (a) => flag(a === 0n)),
  0x16: binary(VERY_LOW, (a, b) => a & b),
  0x17: binary(VERY_LOW, (a, b) => a | b),
  0x18: binary(VERY_LOW, (a, b) => a ^ b),
  0x19: unary(VERY_LOW, (a) => wrap(~a)),
  0x1a: binary(VERY_LOW, (at, word) => (at < 32n ? (word >> (8n * (31n - at))) & 0xffn : 0n)),
  0x1b: binary(VERY_LOW, (shift, a) => (shift < 256n ? wrap(a << shift) : 0n)),
  0x1c: binary(VERY_LOW, (shift, a) => (shift < 256n ? a >> shift : 0n)),
  0x1d: binary(VERY_LOW, (shift, a) => wrap(signed(a) >> (shift < 256n ? shift : 256n))),
  0x1e: unary(LOW, leadingZeros),
  0x20: {
    gas: 30,
    run: (frame) => {
      const offset = frame.pop();
      const length = frame.pop();
      frame.chargeWords(length, 6);
      frame.push(wordOf(keccak_256(frame.read(offset, length))));
    },
  },
};

/** Copies of something to memory: where to, where from, how much. */
const copying = (read: (frame: Frame) => Uint8Array): Operation => ({
  gas: VERY_LOW,
  run: (frame) => {
    const source = read(frame);
    const to = frame.pop();
    const from = frame.pop();
    frame.copy(source, to, from, frame.pop());
  },
});

const ofAccount = (read: (frame: Frame, address: Hex) => bigint): Operation => ({
  gas: 0,
  run: (frame) => {
    const address = frame.popAddress();
    frame.touchAccount(address);
    frame.push(read(frame, address));
  },
});

const ENVIRONMENT: Readonly<Record<number, Operation>> = {
  0x30: value(BASE, ({ message }) => BigInt(message.address)),
  0x31: ofAccount(({ state }, address) => state.balance(address)),
  0x32: value(BASE, ({ surroundings }) => BigInt(surroundings.origin)),
  0x33: value(BASE, ({ message }) => BigInt(message.caller)),
  0x34: value(BASE, ({ message }) => message.value),
  0x35: {
    gas: VERY_LOW,
    run: (frame) => {
      frame.push(wordOf(sliceOf(frame.message.data, frame.pop(), 32)));
    },
  },
  0x36: value(BASE, ({ message }) => BigInt(message.data.length)),
  0x37: copying(({ message }) => message.data),
  0x38: value(BASE, ({ message }) => BigInt(message.code.length)),
  0x39: copying(({ message }) => message.code),
  // Whoever asks pays no gas.
  0x3a: value(BASE, () => 0n),
  0x3b: ofAccount(({ state }, address) => BigInt(state.code(address).length)),
  0x3c: {
    gas: 0,
    run: (frame) => {
      const address = frame.popAddress();
      const to = frame.pop();
      const from = frame.pop();
      const length = frame.pop();
      frame.touchAccount(address);
      frame.copy(frame.state.code(address), to, from, length);
    },
  },
  0x3d: value(BASE, ({ returned }) => BigInt(returned.length)),
  0x3e: {
    gas: VERY_LOW,
    run: (frame) => {
      const to = frame.pop();
      const from = frame.pop();
      const length = frame.pop();
      if (from + length > BigInt(frame.returned.length)) throw new Halt("more than was returned is read");
      frame.copy(frame.returned, to, from, length);
    },
  },
  0x3f: ofAccount(({ state }, address) => state.codeHash(address)),
  0x40: {
    gas: 20,
    run: (frame) => {
      frame.push(frame.surroundings.blockHash(frame.pop()));
    },
  },
  0x41: value(BASE, ({ surroundings }) => BigInt(surroundings.beneficiary)),
  0x42: value(BASE, ({ surroundings }) => surroundings.timestamp),
  0x43: value(BASE, ({ surroundings }) => surroundings.number),
  0x44: value(BASE, ({ surroundings }) => surroundings.prevRandao),
  0x45: value(BASE, ({ surroundings }) => surroundings.gasLimit),
  0x46: value(BASE, ({ surroundings }) => surroundings.chainId),
  0x47: value(LOW, ({ state, message }) => state.balance(message.address)),
  0x48: value(BASE, ({ surroundings }) => surroundings.baseFee),
  // It carries no blobs.
  0x49: unary(VERY_LOW, () => 0n),
  0x4a: refused("the price of blobs"),
};

/** EIP-2200 with EIP-2929 and EIP-3529; what is refunded comes after the call, and is nothing to it. */
function storeWord(frame: Frame): void {
  frame.checkMayChange();
  const { state, message } = frame;
  const slot = frame.pop();
  const wanted = frame.pop();
  if (frame.gas <= 2_300) throw new Halt("out of gas");
  if (!state.touch(message.address, slot)) frame.charge(ACCESS_GAS.coldSlot);
  const current = state.load(message.address, slot);
  const original = state.original(message.address, slot);
  const isFirst = current === original && current !== wanted;
  frame.charge(!isFirst ? ACCESS_GAS.warm : original === 0n ? 20_000 : 2_900);
  state.store(message.address, slot, wanted);
}

const STORAGE: Readonly<Record<number, Operation>> = {
  0x50: {
    gas: BASE,
    run: (frame) => {
      frame.pop();
    },
  },
  0x51: {
    gas: VERY_LOW,
    run: (frame) => {
      frame.push(wordOf(frame.read(frame.pop(), 32n)));
    },
  },
  0x52: {
    gas: VERY_LOW,
    run: (frame) => {
      const offset = frame.pop();
      const word = frame.pop();
      frame.expand(offset, 32n);
      frame.memory.write(offset, bytesOf(word));
    },
  },
  0x53: {
    gas: VERY_LOW,
    run: (frame) => {
      const offset = frame.pop();
      const word = frame.pop();
      frame.expand(offset, 1n);
      frame.memory.write(offset, Uint8Array.of(Number(word & 0xffn)));
    },
  },
  0x54: {
    gas: 0,
    run: (frame) => {
      const { state, message } = frame;
      const slot = frame.pop();
      frame.charge(state.touch(message.address, slot) ? ACCESS_GAS.warm : ACCESS_GAS.coldSlot);
      frame.push(state.load(message.address, slot));
    },
  },
  0x55: { gas: 0, run: storeWord },
  0x56: {
    gas: MID,
    run: (frame) => {
      frame.jump(frame.pop());
    },
  },
  0x57: {
    gas: HIGH,
    run: (frame) => {
      const target = frame.pop();
      if (frame.pop() !== 0n) frame.jump(target);
    },
  },
  0x58: value(BASE, ({ pc }) => BigInt(pc - 1)),
  0x59: value(BASE, ({ memory }) => BigInt(memory.size)),
  0x5a: value(BASE, ({ gas }) => BigInt(gas)),
  0x5b: { gas: 1, run: () => undefined },
  0x5c: {
    gas: ACCESS_GAS.warm,
    run: (frame) => {
      frame.push(frame.state.loadTransient(frame.message.address, frame.pop()));
    },
  },
  0x5d: {
    gas: ACCESS_GAS.warm,
    run: (frame) => {
      frame.checkMayChange();
      const slot = frame.pop();
      frame.state.storeTransient(frame.message.address, slot, frame.pop());
    },
  },
  0x5e: {
    gas: VERY_LOW,
    run: (frame) => {
      const to = frame.pop();
      const from = frame.pop();
      const length = frame.pop();
      frame.chargeWords(length, 3);
      frame.expand(to > from ? to : from, length);
      frame.memory.write(to, frame.memory.read(from, Number(length)));
    },
  },
  0x5f: value(BASE, () => 0n),
};

const ending = (isOk: boolean): Operation => ({
  gas: 0,
  run: (frame) => {
    const offset = frame.pop();
    frame.end = { isOk, data: frame.read(offset, frame.pop()) };
  },
});

const calling = (kind: CallKind): Operation => ({
  gas: 0,
  run: (frame) => {
    call(frame, kind);
  },
});

const SYSTEM: Readonly<Record<number, Operation>> = {
  0x00: {
    gas: 0,
    run: (frame) => {
      frame.end = { isOk: true, data: new Uint8Array() };
    },
  },
  0xf0: refused("CREATE"),
  0xf1: calling(CallKind.call),
  0xf2: calling(CallKind.callCode),
  0xf3: ending(true),
  0xf4: calling(CallKind.delegate),
  0xf5: refused("CREATE2"),
  0xfa: calling(CallKind.static),
  0xfd: ending(false),
  0xff: refused("SELFDESTRUCT"),
};

/** `count` operations from `first` on. */
function series(first: number, count: number, of: (index: number) => Operation): [number, Operation][] {
  return Array.from({ length: count }, (_, index) => [first + index, of(index)]);
}

const SERIES: readonly [number, Operation][] = [
  ...series(0x60, 32, (index) => ({
    gas: VERY_LOW,
    run: (frame) => {
      const at = frame.pc;
      frame.pc += index + 1;
      frame.push(wordOf(sliceOf(frame.message.code, BigInt(at), index + 1)));
    },
  })),
  ...series(0x80, 16, (index) => ({
    gas: VERY_LOW,
    run: (frame) => {
      frame.duplicate(index + 1);
    },
  })),
  ...series(0x90, 16, (index) => ({
    gas: VERY_LOW,
    run: (frame) => {
      frame.swap(index + 1);
    },
  })),
  ...series(0xa0, 5, (topics) => ({
    gas: 375 * (topics + 1),
    run: (frame) => {
      frame.checkMayChange();
      const offset = frame.pop();
      const length = frame.pop();
      for (let index = 0; index < topics; index += 1) frame.pop();
      frame.chargeWords(32n * length, 8);
      frame.expand(offset, length);
    },
  })),
];

/** By their byte; any other ends the frame. */
export const OPERATIONS: readonly (Operation | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const known: Readonly<Record<number, Operation>> = {
    ...ARITHMETIC,
    ...ENVIRONMENT,
    ...STORAGE,
    ...SYSTEM,
    ...Object.fromEntries(SERIES),
  };
  return known[byte];
});
