/**
 * Rewrites a WebAssembly module so that it can be bounded: every function entry and loop header pays gas, `memory.copy` and
 * `memory.fill` pay by their length, and calls that nest too deep trap at a depth that no host's stack decides. A pure function
 * of the module's bytes.
 *
 * Adds two exported globals: `gas` (i64), which the host sets and below zero of which the module traps, and `depth` (i32), which
 * is 0 whenever the module is entered.
 */

import { readFunctionBody, type FunctionBody, type Point } from "./sandbox/function-body.ts";
import { findRecursive } from "./sandbox/recursive-functions.ts";
import {
  encodeInt,
  encodeUint,
  joinBytes,
  readSections,
  WasmReader,
  writeSections,
  type Section,
} from "./sandbox/wasm-bytes.ts";

/**
 * Gas of one straight piece of code, at most: one instruction is one unit, and a piece that is long seldom runs whole. Measured:
 * with 8, gas follows time within a factor that docs/adr/0099 measures.
 */
const MOST_PER_PIECE = 8;
/** A unit of gas moves 4 bytes: of more, whatever a cache does not hold would take longer than the same gas of instructions. */
const BULK_SHIFT = 2;
/**
 * The stack that nested calls may take together: a call counts its locals and `FRAME`. The deepest nesting that this allows takes less than
 * 500 KiB of a host's stack, optimized or not, and the smallest among hosts is V8's default of 984 KiB.
 */
export const MAX_DEPTH = 60_000;
const FRAME = 12;

const SECTION = { type: 1, import: 2, function: 3, global: 6, export: 7, code: 10 } as const;
const I32 = 0x7f;
const I64 = 0x7e;

export function meterWasm(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(module);
  const section = (id: number): Section => {
    const found = sections.find((candidate) => candidate.id === id);
    if (found === undefined) throw new RangeError(`the module has no section ${id}`);
    return found;
  };
  const imported = countImports(section(SECTION.import).body);
  const globals = appendGlobals(section(SECTION.global), imported.globals);
  appendExports(section(SECTION.export), globals);
  const types = readFunctionTypes(section(SECTION.type).body, section(SECTION.function).body);
  const code = section(SECTION.code);
  const bodies = readBodies(code.body);
  const read = bodies.map(readFunctionBody);
  const recursive = findRecursive(read, imported.functions);
  const rewritten = bodies.map((bytes, index) =>
    rewrite(bytes, read[index] as FunctionBody, {
      globals,
      type: types[index] as FunctionType,
      countsDepth: recursive.has(index),
    }),
  );
  code.body = joinBytes([
    encodeUint(rewritten.length),
    ...rewritten.flatMap((body) => [encodeUint(body.length), body]),
  ]);
  return writeSections(module, sections);
}

interface Globals {
  readonly gas: readonly number[];
  readonly depth: readonly number[];
  /** Keeps the length of a bulk instruction while it is paid for. */
  readonly length: readonly number[];
}

function appendGlobals(section: Section, imported: number): Globals {
  const reader = new WasmReader(section.body);
  const count = reader.uint();
  const zeroOf = (type: number): readonly number[] => [type, 1, type === I64 ? 0x42 : 0x41, 0, 0x0b];
  section.body = joinBytes([
    encodeUint(count + 3),
    section.body.subarray(reader.at),
    [...zeroOf(I64), ...zeroOf(I32), ...zeroOf(I32)],
  ]);
  const first = imported + count;
  return { gas: encodeUint(first), depth: encodeUint(first + 1), length: encodeUint(first + 2) };
}

function appendExports(section: Section, { gas, depth }: Globals): void {
  const reader = new WasmReader(section.body);
  const count = reader.uint();
  const named = (name: string, global: readonly number[]): readonly number[] => [
    name.length,
    ...new TextEncoder().encode(name),
    3,
    ...global,
  ];
  section.body = joinBytes([
    encodeUint(count + 2),
    section.body.subarray(reader.at),
    [...named("gas", gas), ...named("depth", depth)],
  ]);
}

function countImports(body: Uint8Array): { readonly functions: number; readonly globals: number } {
  const reader = new WasmReader(body);
  let functions = 0;
  for (let left = reader.uint(); left > 0; left -= 1) {
    for (let name = 0; name < 2; name += 1) reader.skip(reader.uint());
    if (reader.byte() !== 0) throw new RangeError("the module imports something besides functions");
    reader.skipInteger();
    functions += 1;
  }
  return { functions, globals: 0 };
}

interface FunctionType {
  readonly parameters: number;
  readonly results: readonly number[];
}

function readFunctionTypes(typeSection: Uint8Array, functionSection: Uint8Array): readonly FunctionType[] {
  const types = new WasmReader(typeSection);
  const known: FunctionType[] = [];
  for (let left = types.uint(); left > 0; left -= 1) {
    if (types.byte() !== 0x60) throw new RangeError("a type that is no function's");
    const list = (): number[] => Array.from({ length: types.uint() }, () => types.byte());
    known.push({ parameters: list().length, results: list() });
  }
  const functions = new WasmReader(functionSection);
  return Array.from({ length: functions.uint() }, () => {
    const type = known[functions.uint()];
    if (type === undefined) throw new RangeError("a function of no type");
    return type;
  });
}

function readBodies(code: Uint8Array): readonly Uint8Array[] {
  const reader = new WasmReader(code);
  return Array.from({ length: reader.uint() }, () => {
    const length = reader.uint();
    const body = code.subarray(reader.at, reader.at + length);
    reader.skip(length);
    return body;
  });
}

interface Terms {
  readonly globals: Globals;
  readonly type: FunctionType;
  readonly countsDepth: boolean;
}

function rewrite(bytes: Uint8Array, body: FunctionBody, { globals, type, countsDepth }: Terms): Uint8Array {
  const weight = encodeInt(FRAME + type.parameters + body.locals);
  const parts: (Uint8Array | readonly number[])[] = [bytes.subarray(0, body.start)];
  if (countsDepth) parts.push(enter(globals, weight), [0x02, blockType(type)]);
  let last = body.start;
  for (const point of [...body.points].sort((a, b) => a.at - b.at)) {
    if (point.kind === "return" && !countsDepth) continue;
    parts.push(bytes.subarray(last, point.at), insertion(point, globals));
    // A `return` is replaced by a branch to the block around the whole body.
    last = point.kind === "return" ? point.at + 1 : point.at;
  }
  parts.push(bytes.subarray(last));
  // The body's own `end` closes the block around it.
  if (countsDepth) parts.push(leave(globals, weight), [0x0b]);
  return joinBytes(parts);
}

function insertion(point: Point, globals: Globals): readonly number[] {
  switch (point.kind) {
    case "return":
      return [0x0c, ...encodeUint(point.depth)];
    case "bulk":
      return payForBulk(globals);
    default:
      return pay(globals, [0x42, ...encodeInt(Math.min(point.cost, MOST_PER_PIECE))]);
  }
}

function blockType({ results }: FunctionType): number {
  if (results.length > 1) throw new RangeError("a function with several results");
  return results[0] ?? 0x40;
}

/** `gas -= amount; if (gas < 0) trap` */
function pay({ gas }: Globals, amount: readonly number[]): readonly number[] {
  const subtract = [0x23, ...gas, ...amount, 0x7d, 0x24, ...gas];
  return [...subtract, 0x23, ...gas, 0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b];
}

function payForBulk(globals: Globals): readonly number[] {
  const { length } = globals;
  const amount = [0x23, ...length, 0xad, 0x42, BULK_SHIFT, 0x88];
  return [0x24, ...length, ...pay(globals, amount), 0x23, ...length];
}

/** `depth += weight; if (depth > MAX_DEPTH) trap` */
function enter({ depth }: Globals, weight: readonly number[]): readonly number[] {
  const add = [0x23, ...depth, 0x41, ...weight, 0x6a, 0x24, ...depth];
  return [...add, 0x23, ...depth, 0x41, ...encodeInt(MAX_DEPTH), 0x4a, 0x04, 0x40, 0x00, 0x0b];
}

function leave({ depth }: Globals, weight: readonly number[]): readonly number[] {
  return [0x23, ...depth, 0x41, ...weight, 0x6b, 0x24, ...depth];
}
