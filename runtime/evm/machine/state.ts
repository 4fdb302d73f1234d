/** State during a call: what was proven, with what the call itself changed over it, and nothing of that is kept. */

import type { Hex } from "../../../protocol/bytes.ts";
import type { ProvenAccount } from "../proven-state.ts";
import { hexOf } from "./word.ts";

/** Proven. @throws {StateMissing} for what was not shown */
export interface ProvenWorld {
  readonly account: (address: Hex) => ProvenAccount;
  readonly code: (address: Hex) => Uint8Array;
  readonly slot: (address: Hex, slot: Hex) => bigint;
}

/** Keccak of nothing. */
export const NO_CODE_HASH: Hex = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
const NOBODY = `0x${"00".repeat(32)}`;

export class State {
  readonly #world: ProvenWorld;
  readonly #balances = new Map<string, bigint>();
  readonly #storage = new Map<string, bigint>();
  readonly #transient = new Map<string, bigint>();
  /** Addresses, and slots of addresses, that were touched (EIP-2929). */
  readonly #warm: Set<string>;
  /** Takes back what a frame did, from the last to the first. */
  readonly #undo: (() => void)[] = [];

  constructor(world: ProvenWorld, warm: readonly Hex[]) {
    this.#world = world;
    this.#warm = new Set(warm);
  }

  mark(): number {
    return this.#undo.length;
  }

  revertTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  /** Whether it was touched before; from now on it was. */
  touch(address: Hex, slot?: bigint): boolean {
    const key = slot === undefined ? address : keyOf(address, slot);
    if (this.#warm.has(key)) return true;
    this.#warm.add(key);
    this.#undo.push(() => {
      this.#warm.delete(key);
    });
    return false;
  }

  balance(address: Hex): bigint {
    return this.#balances.get(address) ?? this.#world.account(address).balance;
  }

  code(address: Hex): Uint8Array {
    return this.#world.code(address);
  }

  /** EIP-1052, and EIP-161 for one that has nothing. */
  codeHash(address: Hex): bigint {
    return this.isEmpty(address) ? 0n : BigInt(this.#world.account(address).codeHash);
  }

  isEmpty(address: Hex): boolean {
    const { nonce, codeHash } = this.#world.account(address);
    return nonce === 0n && (codeHash === NO_CODE_HASH || codeHash === NOBODY) && this.balance(address) === 0n;
  }

  transfer(from: Hex, to: Hex, value: bigint): void {
    if (value === 0n) return;
    this.#set(this.#balances, from, this.balance(from) - value);
    this.#set(this.#balances, to, this.balance(to) + value);
  }

  /** As it was before the call. */
  original(address: Hex, slot: bigint): bigint {
    return this.#world.slot(address, hexOf(slot));
  }

  load(address: Hex, slot: bigint): bigint {
    return this.#storage.get(keyOf(address, slot)) ?? this.original(address, slot);
  }

  store(address: Hex, slot: bigint, value: bigint): void {
    this.#set(this.#storage, keyOf(address, slot), value);
  }

  loadTransient(address: Hex, slot: bigint): bigint {
    return this.#transient.get(keyOf(address, slot)) ?? 0n;
  }

  storeTransient(address: Hex, slot: bigint, value: bigint): void {
    this.#set(this.#transient, keyOf(address, slot), value);
  }

  #set(map: Map<string, bigint>, key: string, value: bigint): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => {
      if (before === undefined) map.delete(key);
      else map.set(key, before);
    });
  }
}

function keyOf(address: Hex, slot: bigint): string {
  return `${address}/${slot.toString(16)}`;
}
