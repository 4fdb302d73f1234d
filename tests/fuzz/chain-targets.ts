/**
 * Targets of what servers of a chain show: proofs of tries, of accounts and storage, and a block's receipts. The block's hash, and what was
 * asked, are the program's own; all else is the server's to change, and nothing that it changes is accepted.
 */

import { createMerkleProof, createMPT } from "@ethereumjs/mpt";
import * as z from "zod";
import { fromHex, fromUtf8, toHex, toUtf8, type Hex } from "../../protocol/bytes.ts";
import { bytesHex } from "../../protocol/fields.ts";
import { LogsArgs, parseArgs, ProveArgs } from "../../runtime/agents/call-args.ts";
import { proveLogs, proveState } from "../../runtime/agents/prove-state.ts";
import { ProofRefused } from "../../runtime/evm/proof-refused.ts";
import { verifyTrieProof } from "../../runtime/evm/trie-proof.ts";
import { createProvenWorld } from "../support/proven-world.ts";
import { createRandom, type Random } from "./mutation.ts";
import type { FuzzTarget } from "./target.ts";

const world = createProvenWorld({ number: 1_000n, timestamp: 1_700_000_000n });

const refusalOf = (error: unknown): string | null =>
  error instanceof ProofRefused ? `refused: ${error.part}` : null;

/** What it proves, and all that was shown: nothing else that shows the same would be accepted. */
const proves = <Schema extends z.ZodType>(
  schema: Schema,
  prove: (args: z.output<Schema>) => unknown,
): FuzzTarget["run"] => {
  return (input) => {
    const shown = parseArgs(schema, fromUtf8(input));
    return Promise.resolve({ proven: prove(shown), shown });
  };
};

const encode = (value: unknown): Uint8Array<ArrayBuffer> => toUtf8(JSON.stringify(value));

const TrieArgs = z.strictObject({ root: bytesHex, key: bytesHex, proof: z.array(bytesHex) });

/** Short keys over few digits make short nodes, which stand inside of their parents; long ones make the others. */
async function trieSeeds(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const random = createRandom(20_261_130);
  const seeds: Uint8Array<ArrayBuffer>[] = [];
  for (let made = 0; made < 60; made += 1) {
    const trie = await createMPT();
    const [digits, length] = [made % 2 === 0 ? 256 : 3, 1 + random(4)];
    const key = (): Uint8Array => Uint8Array.from({ length }, () => random(digits));
    const keys = [key()];
    for (let count = 1 + random(40); count > 0; count -= 1) {
      const at = key();
      await trie.put(
        at,
        Uint8Array.from({ length: 1 + random(40) }, () => 1 + random(255)),
      );
      keys.push(at);
    }
    for (const at of [keys[0], keys.at(-1)]) {
      if (at === undefined) continue;
      const nodes = await createMerkleProof(trie, at);
      // Their library lists nodes again that stand inside of their parents; servers do not.
      const proof = nodes
        .filter((node, index) => index === 0 || node.length >= 32)
        .map((node) => toHex(node));
      seeds.push(encode({ root: toHex(trie.root()), key: toHex(at), proof }));
    }
  }
  return seeds;
}

const trieProof: FuzzTarget = {
  kind: "chain/trie-proof",
  seeds: trieSeeds,
  mutate: changesOf(["proof"]),
  run: proves(TrieArgs, ({ root, key, proof }) => {
    const value = verifyTrieProof(
      fromHex(root),
      fromHex(key),
      proof.map((node) => fromHex(node)),
    );
    return value === null ? null : toHex(value);
  }),
  refusalOf,
};

const state: FuzzTarget = {
  kind: "chain/state",
  seeds: async () => {
    const { block, contract, nobody, slots, emptySlot, proofOf } = await world;
    const { hash } = block;
    const read = async (address: Hex, asked: readonly Hex[]): Promise<Uint8Array<ArrayBuffer>> =>
      encode({ block, hash, state: { address, slots: asked, proof: await proofOf(address, asked) } });
    return [
      await read(contract, [...slots.keys()].slice(0, 2)),
      await read(contract, [emptySlot]),
      await read(nobody, []),
      encode({ block, hash, state: null }),
    ];
  },
  mutate: changesOf(["block", "proof"]),
  run: proves(ProveArgs, proveState),
  refusalOf,
};

const receipts: FuzzTarget = {
  kind: "chain/receipts",
  seeds: async () => {
    const { block, contract, nobody, receipts: shown } = await world;
    const { hash } = block;
    const read = (address: Hex, all: typeof shown | null): Uint8Array<ArrayBuffer> =>
      encode({ block, hash, receipts: all, filter: { address, topics: [] } });
    return [read(contract, shown), read(nobody, shown), read(nobody, null)];
  },
  mutate: changesOf(["block", "receipts"]),
  run: proves(LogsArgs, proveLogs),
  refusalOf,
};

export const CHAIN_TARGETS: readonly FuzzTarget[] = [trieProof, state, receipts];

/** A place in a document: a text, or a list. */
interface Place {
  readonly value: string | unknown[];
  readonly set: (value: unknown) => void;
}

/** Changes one to four places below properties of these names. Always something: what comes out the same is changed again. */
function changesOf(shown: readonly string[]): NonNullable<FuzzTarget["mutate"]> {
  return (genuine, random) => {
    const before = fromUtf8(genuine);
    for (;;) {
      const document: unknown = JSON.parse(before);
      for (let left = 1 + random(4); left > 0; left -= 1) {
        const places = placesIn(document, shown, false);
        const place = places[random(places.length)];
        if (place === undefined) continue;
        place.set(
          typeof place.value === "string"
            ? changedHex(place.value, random)
            : changedList(place.value, random),
        );
      }
      const after = JSON.stringify(document);
      if (after !== before) return toUtf8(after);
    }
  };
}

function placesIn(node: unknown, shown: readonly string[], isInside: boolean): readonly Place[] {
  if (typeof node !== "object" || node === null) return [];
  const inner = node as Record<string, unknown>;
  return Object.entries(inner).flatMap(([name, value]) => {
    const isShown = isInside || shown.includes(name);
    const below = placesIn(value, shown, isShown);
    if (!isShown || !(typeof value === "string" || Array.isArray(value))) return below;
    const set = (changed: unknown): void => {
      inner[name] = changed;
    };
    return [{ value: value as string | unknown[], set }, ...below];
  });
}

const DIGITS = "0123456789abcdef";

function changedHex(hex: string, random: Random): string {
  const at = 2 + random(Math.max(hex.length - 2, 1));
  const digit = DIGITS[random(16)] ?? "0";
  switch (random(8)) {
    case 0:
      return hex.slice(0, at) + digit + (DIGITS[random(16)] ?? "0") + hex.slice(at);
    case 1:
      return hex.slice(0, at) + hex.slice(at + 2);
    case 2:
      return hex.slice(0, at);
    default:
      return hex.slice(0, at) + digit + hex.slice(at + 1);
  }
}

function changedList(list: readonly unknown[], random: Random): unknown[] {
  const at = random(Math.max(list.length, 1));
  const item = list[at];
  switch (random(4)) {
    case 0:
      return list.filter((_, index) => index !== at);
    case 1:
      return item === undefined ? [] : [...list, item];
    case 2:
      return list.toReversed();
    default: {
      const other = list[random(Math.max(list.length, 1))];
      return list.map((one, index) => (index === at ? other : one));
    }
  }
}
