/**
 * Has a server show what a call needs, until the call comes to its end. What is asked, and in which order, follows from the call and from
 * what the server said before: whoever has its answers asks the same again.
 */

import * as z from "zod";
import type { Json } from "../../protocol/canonical-json.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { address, bytes32, bytesHex } from "../../protocol/fields.ts";
import { ProofRefused } from "./proof-refused.ts";
import type { CallOutcome, JudgedCall, ShownAccount, StateCall } from "./proven-call.ts";
import { StateProof } from "./proven-state.ts";

/** `result` of a JSON-RPC call; null where the server gave none. */
export type AskServer = (method: string, params: readonly Json[]) => Promise<unknown>;

/** Of one call: what views touch is far below. */
const MAX_ACCOUNTS = 32;
const MAX_SLOTS = 128;

const AccessList = z.object({
  accessList: z.array(z.object({ address: z.string(), storageKeys: z.array(z.string()) })),
});

export interface ShowOptions {
  /** Of the block. */
  readonly number: bigint;
  readonly ask: AskServer;
  /** `judgeCall` at that block. */
  readonly run: (shown: readonly ShownAccount[]) => JudgedCall | Promise<JudgedCall>;
}

/** @throws {ProofRefused} for what is not shown, or does not prove anything */
export async function showState(
  call: StateCall,
  options: ShowOptions,
): Promise<Exclude<CallOutcome, { kind: "missing" }>> {
  const showing = new Showing(options);
  await showing.guess(call);
  for (;;) {
    const outcome = await options.run(showing.accounts);
    if (outcome.kind === "unproven") throw new ProofRefused(outcome.part, outcome.reason);
    if (outcome.kind !== "missing") return outcome;
    await showing.add(outcome);
  }
}

class Showing {
  readonly #ask: AskServer;
  readonly #at: string;
  readonly #shown = new Map<Hex, ShownAccount>();
  #slots = 0;

  constructor({ ask, number }: ShowOptions) {
    this.#ask = ask;
    this.#at = `0x${number.toString(16)}`;
  }

  get accounts(): readonly ShownAccount[] {
    return [...this.#shown.values()];
  }

  /** What a server thinks that is needed saves asking for each, and decides nothing. */
  async guess({ to, data }: StateCall): Promise<void> {
    const from = `0x${"00".repeat(20)}`;
    const list = AccessList.safeParse(
      await this.#ask("eth_createAccessList", [{ from, to, data }, this.#at]),
    );
    const guessed = new Map<Hex, Hex[]>([[to, []]]);
    for (const { address: text, storageKeys } of list.data?.accessList ?? []) {
      const of = address.safeParse(text.toLowerCase());
      const slots = z.array(bytes32).safeParse(storageKeys.map((key) => key.toLowerCase()));
      if (of.success && slots.success) guessed.set(of.data, [...new Set(slots.data)]);
    }
    for (const [of, slots] of [...guessed].slice(0, MAX_ACCOUNTS)) {
      const wanted = slots.slice(0, MAX_SLOTS - this.#slots);
      await this.#prove(of, wanted, null);
      await this.#addCode(of);
    }
  }

  async add({ address: of, slot, isCode }: Extract<CallOutcome, { kind: "missing" }>): Promise<void> {
    const known = this.#shown.get(of);
    if (isCode && known !== undefined) {
      await this.#addCode(of);
      return;
    }
    const slots = [...(known?.slots ?? []), ...(slot === null ? [] : [slot])];
    await this.#prove(of, slots, known?.code ?? null);
  }

  async #prove(of: Hex, slots: readonly Hex[], code: Hex | null): Promise<void> {
    this.#slots += slots.length - (this.#shown.get(of)?.slots.length ?? 0);
    if (this.#slots > MAX_SLOTS || (!this.#shown.has(of) && this.#shown.size >= MAX_ACCOUNTS)) {
      throw new ProofRefused(
        "storage",
        `the call reads more than ${MAX_ACCOUNTS} accounts or ${MAX_SLOTS} slots`,
      );
    }
    const proof = StateProof.safeParse(await this.#ask("eth_getProof", [of, slots, this.#at]));
    if (!proof.success || proof.data.storageProof.length !== slots.length)
      throw new ProofRefused("account", `the chain's server shows no proof of ${of}`);
    this.#shown.set(of, { address: of, slots: [...slots], proof: proof.data, code });
  }

  async #addCode(of: Hex): Promise<void> {
    const known = this.#shown.get(of);
    const code = bytesHex.safeParse(await this.#ask("eth_getCode", [of, this.#at]));
    if (known === undefined || !code.success)
      throw new ProofRefused("code", `the chain's server shows no code of ${of}`);
    this.#shown.set(of, { ...known, code: code.data });
  }
}
