/** Walks the instructions of one function, and says where metering has something to insert. */

import { WasmReader } from "./wasm-bytes.ts";

export type Point =
  /** The function's first instruction, or the first of a loop; `cost` counts the instructions up to the next such place. */
  | { readonly kind: "entry" | "loop"; readonly at: number; cost: number }
  /** Before `memory.copy` or `memory.fill`, whose length is on top of the stack. */
  | { readonly kind: "bulk"; readonly at: number }
  /** A `return`, inside of `depth` blocks. */
  | { readonly kind: "return"; readonly at: number; readonly depth: number };

export interface FunctionBody {
  /** Where the instructions begin, behind the declarations of locals. */
  readonly start: number;
  readonly locals: number;
  readonly points: readonly Point[];
  /** Functions that are called by their index. */
  readonly calls: readonly number[];
  readonly callsIndirectly: boolean;
}

const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  branchTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  selectTyped: 0x1c,
  prefixFc: 0xfc,
} as const;

export function readFunctionBody(body: Uint8Array): FunctionBody {
  const reader = new WasmReader(body);
  let locals = 0;
  for (let groups = reader.uint(); groups > 0; groups -= 1) {
    locals += reader.uint();
    reader.byte();
  }
  const start = reader.at;
  const entry: Point = { kind: "entry", at: start, cost: 0 };
  const points: Point[] = [entry];
  const calls: number[] = [];
  let callsIndirectly = false;
  /** Of each open block, the place that paid for what surrounds it; null where it is no loop. */
  const open: ({ cost: number } | null)[] = [];
  let current: { cost: number } = entry;
  while (!reader.atEnd) {
    const at = reader.at;
    const op = reader.byte();
    current.cost += 1;
    switch (op) {
      case OP.block:
      case OP.if:
        reader.skipInteger();
        open.push(null);
        break;
      case OP.loop: {
        reader.skipInteger();
        const point: Point = { kind: "loop", at: reader.at, cost: 1 };
        points.push(point);
        open.push(current);
        current = point;
        break;
      }
      case OP.end:
        current = open.pop() ?? current;
        break;
      case OP.return:
        points.push({ kind: "return", at, depth: open.length });
        break;
      case OP.call:
        calls.push(reader.uint());
        break;
      case OP.callIndirect:
        callsIndirectly = true;
        reader.skipInteger();
        reader.skipInteger();
        break;
      case OP.prefixFc: {
        const extended = reader.uint();
        if (extended === MEMORY_COPY || extended === MEMORY_FILL) points.push({ kind: "bulk", at });
        skipExtended(reader, extended);
        break;
      }
      default:
        skipImmediates(reader, op);
    }
  }
  return { start, locals, points, calls, callsIndirectly };
}

const MEMORY_COPY = 10;
const MEMORY_FILL = 11;
const LAST_TRUNCATION = 7;

function skipExtended(reader: WasmReader, op: number): void {
  if (op <= LAST_TRUNCATION) return;
  if (op === MEMORY_COPY) reader.skip(2);
  else if (op === MEMORY_FILL) reader.skip(1);
  else throw new RangeError(`an instruction that metering does not know: 0xfc ${op}`);
}

/** Ranges of opcodes by their immediates (§5.4); whatever is in none of them is refused, and never passed over. */
function skipImmediates(reader: WasmReader, op: number): void {
  if (op === 0x00 || op === 0x01 || op === 0x05 || op === 0x1a || op === 0x1b) return;
  if (op >= 0x45 && op <= 0xc4) return;
  if (op === 0x0c || op === 0x0d || (op >= 0x20 && op <= 0x24) || op === 0x41 || op === 0x42) {
    reader.skipInteger();
  } else if (op === OP.branchTable) {
    for (let targets = reader.uint() + 1; targets > 0; targets -= 1) reader.skipInteger();
  } else if (op >= 0x28 && op <= 0x3e) {
    reader.skipInteger();
    reader.skipInteger();
  } else if (op === 0x3f || op === 0x40) {
    reader.skip(1);
  } else if (op === 0x43) {
    reader.skip(4);
  } else if (op === 0x44) {
    reader.skip(8);
  } else if (op === OP.selectTyped) {
    for (let types = reader.uint(); types > 0; types -= 1) reader.skip(1);
  } else {
    throw new RangeError(`an instruction that metering does not know: 0x${op.toString(16)}`);
  }
}
