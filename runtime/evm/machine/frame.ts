/** One frame of the machine: its stack, its memory and its gas, and what its operations do with them. */

import type { Hex } from "../../../protocol/bytes.ts";
import { Halt } from "./halt.ts";
import { Memory } from "./memory.ts";
import type { State } from "./state.ts";
import { addressOf, sliceOf } from "./word.ts";

const MAX_STACK = 1024;
const COPY_GAS = 3;
export const ACCESS_GAS = { warm: 100, coldAccount: 2_600, coldSlot: 2_100 } as const;

/** What every frame of a call sees. */
export interface Surroundings {
  readonly origin: Hex;
  readonly chainId: bigint;
  readonly number: bigint;
  readonly timestamp: bigint;
  readonly beneficiary: Hex;
  readonly gasLimit: bigint;
  readonly baseFee: bigint;
  readonly prevRandao: bigint;
  /** @throws {StateMissing} */
  readonly blockHash: (number: bigint) => bigint;
}

export interface Message {
  readonly caller: Hex;
  /** Whose storage and balance it is. */
  readonly address: Hex;
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  readonly value: bigint;
  readonly gas: number;
  readonly isStatic: boolean;
  readonly depth: number;
}

export interface FrameEnd {
  readonly isOk: boolean;
  readonly data: Uint8Array;
  readonly gasLeft: number;
}

export type RunMessage = (message: Message) => FrameEnd;

export class Frame {
  readonly message: Message;
  readonly state: State;
  readonly surroundings: Surroundings;
  /** Runs another message inside of this one. */
  readonly runMessage: RunMessage;
  readonly memory = new Memory();
  readonly #stack: bigint[] = [];
  #gas: number;
  pc = 0;
  returned: Uint8Array = new Uint8Array();
  /** Set by the operation that ends the frame. */
  end: { readonly isOk: boolean; readonly data: Uint8Array } | null = null;

  readonly charge = (gas: number): void => {
    this.#gas -= gas;
    if (this.#gas < 0) throw new Halt("out of gas");
  };

  constructor(
    message: Message,
    {
      state,
      surroundings,
      runMessage,
    }: { readonly state: State; readonly surroundings: Surroundings; readonly runMessage: RunMessage },
  ) {
    this.message = message;
    this.state = state;
    this.surroundings = surroundings;
    this.runMessage = runMessage;
    this.#gas = message.gas;
  }

  get gas(): number {
    return this.#gas;
  }

  giveBack(gas: number): void {
    this.#gas += gas;
  }

  pop(): bigint {
    const word = this.#stack.pop();
    if (word === undefined) throw new Halt("the stack is empty");
    return word;
  }

  popAddress(): Hex {
    return addressOf(this.pop());
  }

  push(word: bigint): void {
    if (this.#stack.length >= MAX_STACK) throw new Halt("the stack is full");
    this.#stack.push(word);
  }

  duplicate(depth: number): void {
    const word = this.#stack.at(-depth);
    if (word === undefined) throw new Halt("the stack is empty");
    this.push(word);
  }

  swap(depth: number): void {
    const [top, other] = [this.#stack.length - 1, this.#stack.length - 1 - depth];
    const [above, below] = [this.#stack[top], this.#stack[other]];
    if (above === undefined || below === undefined) throw new Halt("the stack is empty");
    this.#stack[top] = below;
    this.#stack[other] = above;
  }

  expand(offset: bigint, length: bigint): void {
    this.memory.expand(offset, length, this.charge);
  }

  /** Memory from `offset` on, paid for. */
  read(offset: bigint, length: bigint): Uint8Array<ArrayBuffer> {
    this.expand(offset, length);
    return this.memory.read(offset, Number(length));
  }

  chargeWords(length: bigint, gas: number): void {
    const words = (length + 31n) / 32n;
    if (words > BigInt(Number.MAX_SAFE_INTEGER)) throw new Halt("out of gas");
    this.charge(gas * Number(words));
  }

  /** To memory, with zeros behind the end of `source`. */
  copy(source: Uint8Array, to: bigint, from: bigint, length: bigint): void {
    this.chargeWords(length, COPY_GAS);
    this.expand(to, length);
    if (length > 0n) this.memory.write(to, sliceOf(source, from, Number(length)));
  }

  touchAccount(address: Hex): void {
    this.charge(this.state.touch(address) ? ACCESS_GAS.warm : ACCESS_GAS.coldAccount);
  }

  jump(target: bigint): void {
    if (target >= BigInt(this.message.code.length) || !jumpsOf(this.message.code).has(Number(target)))
      throw new Halt("a jump leads nowhere");
    this.pc = Number(target);
  }

  checkMayChange(): void {
    if (this.message.isStatic) throw new Halt("a view changes state");
  }
}

const JUMPDEST = 0x5b;
const PUSH1 = 0x60;
const PUSH32 = 0x7f;
const knownJumps = new WeakMap<Uint8Array, ReadonlySet<number>>();

/** Where code may jump to: no byte that is another operation's data. */
function jumpsOf(code: Uint8Array): ReadonlySet<number> {
  const known = knownJumps.get(code);
  if (known !== undefined) return known;
  const jumps = new Set<number>();
  for (let at = 0; at < code.length; at += 1) {
    const operation = code[at] ?? 0;
    if (operation === JUMPDEST) jumps.add(at);
    else if (operation >= PUSH1 && operation <= PUSH32) at += operation - PUSH1 + 1;
  }
  knownJumps.set(code, jumps);
  return jumps;
}
