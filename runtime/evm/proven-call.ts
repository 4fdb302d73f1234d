/** What a call of a contract returns, by proven state alone: `eth_call` without believing whoever shows the state. */

import * as z from "zod";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { BlockHeader } from "./block-header.ts";
import { delegateOf } from "./machine/call.ts";
import type { Message, Surroundings } from "./machine/frame.ts";
import { NotSupported, StateMissing } from "./machine/halt.ts";
import { runMessage } from "./machine/machine.ts";
import { PRECOMPILE_ADDRESSES, precompileOf } from "./machine/precompiles.ts";
import { NO_CODE_HASH, State, type ProvenWorld } from "./machine/state.ts";
import { hexOf } from "./machine/word.ts";
import { ProofRefused } from "./proof-refused.ts";
import { StateProof, verifyAccount, verifySlot, type ProvenAccount } from "./proven-state.ts";

/** Accounts that one call may touch. */
const MAX_ACCOUNTS = 64;
const MAX_SLOTS = 256;

/** One account as a server shows it. */
export const ShownAccount = z
  .strictObject({
    address,
    slots: z.array(bytes32).max(MAX_SLOTS),
    proof: StateProof,
    /** null where it was not asked for. */
    code: bytesHex.nullable(),
  })
  .refine(({ slots, proof }) => slots.length === proof.storageProof.length, {
    error: "expected a proof for each slot",
  });
export type ShownAccount = z.output<typeof ShownAccount>;

export const ShownState = z.array(ShownAccount).max(MAX_ACCOUNTS);

export interface StateCall {
  readonly to: Hex;
  readonly data: Hex;
}

export type CallOutcome =
  | { readonly kind: "returned"; readonly data: Hex }
  | { readonly kind: "reverted"; readonly data: Hex }
  /** Shown as well, it may come to an end. */
  | { readonly kind: "missing"; readonly address: Hex; readonly slot: Hex | null; readonly isCode: boolean }
  /** The machine does not know something that the code needs. */
  | { readonly kind: "unsupported"; readonly reason: string };

/** Where what was shown proves nothing. */
export interface Unproven {
  readonly kind: "unproven";
  readonly part: ProofRefused["part"];
  readonly reason: string;
}

export type JudgedCall = CallOutcome | Unproven;

/** A header that was verified, of a chain; null where nobody says which it is. */
export interface CallWorld {
  readonly header: BlockHeader;
  readonly chainId: bigint | null;
}

/** Gas of a call, as of a transaction with this limit. */
export const CALL_GAS = 5_000_000;
const TRANSACTION_GAS = 21_000;
const BYTE_GAS = { zero: 4, other: 16 } as const;

const NOBODY: Hex = `0x${"00".repeat(20)}`;
/** Of the last 8,191 blocks (EIP-2935). */
const HISTORY: Hex = "0x0000f90827f1c53a10cb7a02335b175320002935";
const HISTORY_LENGTH = 8_191n;
const MAX_BLOCK_AGE = 256n;
const ARBITRUM_PRECOMPILE = "0xfe";

/**
 * Holds on return: by the rules of the machine, and in the state under the header's root, the call returns or reverts with that data.
 * Left to the caller: that the chain has such a block, and its id.
 *
 * @throws {ProofRefused} for state that is not proven; {RangeError} for a call that no transaction pays
 */
export function provenCall(
  { header, chainId }: CallWorld,
  { to, data }: StateCall,
  shown: readonly ShownAccount[],
): CallOutcome {
  const world = new ShownWorld(header, shown);
  const state = new State(world, [NOBODY, to, header.beneficiary, ...PRECOMPILE_ADDRESSES]);
  try {
    const message = toMessage(world, state, { to, data });
    const end = runMessage(message, state, surroundingsOf({ header, chainId }, world));
    return { kind: end.isOk ? "returned" : "reverted", data: toHex(end.data) };
  } catch (error) {
    if (error instanceof StateMissing) {
      const { address: of, slot, isCode } = error;
      return { kind: "missing", address: of, slot, isCode };
    }
    if (error instanceof NotSupported) return { kind: "unsupported", reason: error.message };
    throw error;
  }
}

/** As `provenCall`, with nothing thrown for what a server shows. */
export function judgeCall(world: CallWorld, call: StateCall, shown: readonly ShownAccount[]): JudgedCall {
  try {
    return provenCall(world, call, shown);
  } catch (error) {
    if (error instanceof ProofRefused) return { kind: "unproven", part: error.part, reason: error.reason };
    throw error;
  }
}

function toMessage(world: ProvenWorld, state: State, { to, data }: StateCall): Message {
  if (precompileOf(to) !== null) throw new NotSupported(`it calls the precompile ${to}`);
  const bytes = fromHex(data);
  const zeros = bytes.filter((byte) => byte === 0).length;
  const own = world.code(to);
  const delegate = delegateOf(own);
  if (delegate !== null) state.touch(delegate);
  return {
    caller: NOBODY,
    address: to,
    code: delegate === null ? own : world.code(delegate),
    data: bytes,
    value: 0n,
    gas: CALL_GAS - TRANSACTION_GAS - BYTE_GAS.zero * zeros - BYTE_GAS.other * (bytes.length - zeros),
    isStatic: false,
    depth: 0,
  };
}

function surroundingsOf({ header, chainId }: CallWorld, world: ProvenWorld): Surroundings {
  const ofBlock = <Value>(what: string, value: Value): Value => {
    if (header.rules === "arbitrum") throw new NotSupported(`it asks for ${what}, as Arbitrum has it`);
    return value;
  };
  return {
    origin: NOBODY,
    timestamp: header.timestamp,
    baseFee: header.baseFee,
    get chainId() {
      if (chainId === null) throw new NotSupported("it asks for the chain's id, which nobody named");
      return chainId;
    },
    get number() {
      return ofBlock("the block's number", header.number);
    },
    get beneficiary() {
      return ofBlock("the block's beneficiary", header.beneficiary);
    },
    get gasLimit() {
      return ofBlock("the block's gas limit", header.gasLimit);
    },
    get prevRandao() {
      return ofBlock("the block's randomness", BigInt(header.prevRandao));
    },
    get blockHash() {
      return ofBlock("a block's hash", blockHashes(header, world));
    },
  };
}

/** The parent's is in the header; older ones the chain keeps in its state. */
function blockHashes({ number, parentHash }: BlockHeader, world: ProvenWorld): Surroundings["blockHash"] {
  return (asked) => {
    if (asked >= number || number - asked > MAX_BLOCK_AGE) return 0n;
    if (asked === number - 1n) return BigInt(parentHash);
    if (world.code(HISTORY).length === 0)
      throw new NotSupported("it asks for the hash of a block that is not shown");
    return world.slot(HISTORY, hexOf(asked % HISTORY_LENGTH));
  };
}

/** Every account, word and code is proven as it is asked for, and once. */
class ShownWorld implements ProvenWorld {
  readonly #header: BlockHeader;
  readonly #shown: ReadonlyMap<Hex, ShownAccount>;
  readonly #accounts = new Map<Hex, ProvenAccount>();
  readonly #codes = new Map<Hex, Uint8Array>();

  constructor(header: BlockHeader, shown: readonly ShownAccount[]) {
    this.#header = header;
    this.#shown = new Map(shown.map((account) => [account.address, account]));
  }

  account(of: Hex): ProvenAccount {
    const known = this.#accounts.get(of);
    if (known !== undefined) return known;
    const shown = this.#shown.get(of);
    if (shown === undefined) throw new StateMissing(of, null, false);
    const account = verifyAccount(this.#header.stateRoot, of, shown.proof.accountProof);
    this.#accounts.set(of, account);
    return account;
  }

  code(of: Hex): Uint8Array {
    const known = this.#codes.get(of);
    if (known !== undefined) return known;
    const { codeHash } = this.account(of);
    const code = BigInt(codeHash) === 0n || codeHash === NO_CODE_HASH ? "0x" : this.#shown.get(of)?.code;
    if (code === null || code === undefined) throw new StateMissing(of, null, true);
    if (code !== "0x" && keccak(fromHex(code)) !== codeHash)
      throw new ProofRefused("code", `the code of ${of} is not the one of its hash`);
    // Nitro's precompiles have it in the state: what they do is nowhere on the chain.
    if (code === ARBITRUM_PRECOMPILE && this.#header.rules === "arbitrum")
      throw new NotSupported(`it calls Arbitrum's precompile ${of}`);
    const bytes = fromHex(code);
    this.#codes.set(of, bytes);
    return bytes;
  }

  slot(of: Hex, slot: Hex): bigint {
    const { storageRoot } = this.account(of);
    const shown = this.#shown.get(of);
    const proof = shown?.proof.storageProof[shown.slots.indexOf(slot)]?.proof;
    if (proof === undefined) throw new StateMissing(of, slot, false);
    return BigInt(verifySlot(storageRoot, slot, proof));
  }
}
