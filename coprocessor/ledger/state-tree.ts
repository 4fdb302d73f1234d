/**
 * The sparse tree over what every key holds. One for both hashes (`TreeHash`): 32 levels of four children, a key in the slot that
 * its hash says. docs/reference/ledger.md, State tree.
 */

import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { Cell } from "./row.ts";
import { TREE_LEVELS, type Children, type TreeHash } from "./tree-hash.ts";

/** A slot and the way to the root: three siblings a level, from the leaf up, in the order of the children. */
export interface StatePath<Node> {
  /** The slot's cell, which may be another key's; null for none. */
  readonly held: Cell | null;
  readonly siblings: readonly (readonly [Node, Node, Node])[];
}

export class StateTree<Node> {
  readonly #hash: TreeHash<Node>;
  readonly #levels: readonly Map<bigint, Node>[];
  readonly #cells = new Map<bigint, Cell>();
  /** Slots whose ancestors are out of date. */
  #stale = new Set<bigint>();
  /** A tree made of paths knows no other nodes: what is missing is then not empty but unknown. */
  readonly #isWhole: boolean;

  private constructor(hash: TreeHash<Node>, isWhole: boolean) {
    this.#hash = hash;
    this.#isWhole = isWhole;
    this.#levels = Array.from({ length: TREE_LEVELS + 1 }, () => new Map<bigint, Node>());
  }

  static empty<Node>(hash: TreeHash<Node>): StateTree<Node> {
    return new StateTree(hash, true);
  }

  /**
   * The part of a tree that is needed to write `keys`, in the same order as their `paths`. Whatever holds, holds under `root`.
   *
   * @throws {InputError} INPUT_INVALID for a path that does not lead to `root`
   */
  static fromPaths<Node>(
    hash: TreeHash<Node>,
    root: Node,
    paths: ReadonlyMap<Hex, StatePath<Node>>,
  ): StateTree<Node> {
    const tree = new StateTree(hash, false);
    tree.#levels[TREE_LEVELS]?.set(0n, root);
    for (const [key, path] of paths) tree.#addPath(key, path, root);
    return tree;
  }

  get root(): Node {
    this.#refresh();
    return this.#node(TREE_LEVELS, 0n);
  }

  /** The cell in the key's slot: perhaps another key's. */
  held(key: Hex): Cell | null {
    return this.#cells.get(this.#hash.slot(key)) ?? null;
  }

  get(key: Hex): Cell | null {
    const held = this.held(key);
    return held?.key === key ? held : null;
  }

  /** @throws {InputError} INPUT_CONFLICT where another key has the slot: it is never overwritten */
  set(cell: Cell): void {
    const slot = this.#hash.slot(cell.key);
    const held = this.#cells.get(slot);
    if (held !== undefined && held.key !== cell.key) {
      throw new InputError({
        code: "INPUT_CONFLICT",
        message: "another key has this slot",
        details: { key: cell.key },
      });
    }
    if (!this.#isWhole) this.#node(0, slot);
    this.#cells.set(slot, cell);
    this.#levels[0]?.set(slot, this.#hash.leaf(cell));
    this.#stale.add(slot);
  }

  path(key: Hex): StatePath<Node> {
    this.#refresh();
    const slot = this.#hash.slot(key);
    const siblings = Array.from({ length: TREE_LEVELS }, (_, level): readonly [Node, Node, Node] => {
      const index = slot >> BigInt(2 * level);
      const [a, b, c] = this.#children(level, index >> 2n).filter(
        (_, child) => BigInt(child) !== (index & 3n),
      );
      if (a === undefined || b === undefined || c === undefined) throw new Error("a node has three siblings");
      return [a, b, c];
    });
    return { held: this.held(key), siblings };
  }

  #addPath(key: Hex, { held, siblings }: StatePath<Node>, root: Node): void {
    const slot = this.#hash.slot(key);
    let node = held === null ? this.#hash.empty(0) : this.#hash.leaf(held);
    const isOfSlot = held === null || this.#hash.slot(held.key) === slot;
    this.#levels[0]?.set(slot, node);
    for (const [level, [a, b, c]] of siblings.entries()) {
      const index = slot >> BigInt(2 * level);
      const at = Number(index & 3n);
      const children: Children<Node> =
        at === 0
          ? [node, a, b, c]
          : at === 1
            ? [a, node, b, c]
            : at === 2
              ? [a, b, node, c]
              : [a, b, c, node];
      for (const [child, value] of children.entries())
        this.#levels[level]?.set((index & ~3n) + BigInt(child), value);
      node = this.#hash.parent(children);
      this.#levels[level + 1]?.set(index >> 2n, node);
    }
    if (!isOfSlot || siblings.length !== TREE_LEVELS || node !== root) {
      throw new InputError({
        code: "INPUT_INVALID",
        message: "a path does not lead to the ledger's root",
        details: { key },
      });
    }
    if (held !== null) this.#cells.set(slot, held);
  }

  /** Level by level, so that an ancestor of many changed slots is hashed once. */
  #refresh(): void {
    let stale = this.#stale;
    this.#stale = new Set();
    for (let level = 0; level < TREE_LEVELS && stale.size > 0; level += 1) {
      const parents = new Set<bigint>();
      for (const index of stale) parents.add(index >> 2n);
      for (const index of parents)
        this.#levels[level + 1]?.set(index, this.#hash.parent(this.#children(level, index)));
      stale = parents;
    }
  }

  #children(level: number, parent: bigint): Children<Node> {
    const first = parent << 2n;
    const at = (child: bigint): Node => this.#node(level, first + child);
    return [at(0n), at(1n), at(2n), at(3n)];
  }

  #node(level: number, index: bigint): Node {
    const node = this.#levels[level]?.get(index);
    if (node !== undefined) return node;
    if (this.#isWhole) return this.#hash.empty(level);
    throw new InputError({
      code: "INPUT_INVALID",
      message: "the paths do not cover what is to be written",
      details: { level },
    });
  }
}
