/**
 * Compiled circuits, opcode by opcode. What a circuit computes outside of its constraints (an unconstrained call) is the prover's own to
 * choose: `withoutCalls` leaves the call out, so that the rest is solved over the values that a dishonest prover brings in its place.
 */

import { gunzipSync, gzipSync } from "node:zlib";
import { decodeMessagePack, type MessagePackValue } from "../../attestation/encoding/message-pack.ts";

const LIMITS = { maxBytes: 2 ** 26, maxDepth: 64, maxItems: 2 ** 22 } as const;

/** An opcode with the bytes that it stands in. */
interface PlacedOpcode {
  readonly start: number;
  readonly end: number;
  readonly opcode: ReadonlyMap<string, MessagePackValue>;
}

/**
 * What the solver computes by itself: a hint, of which no constraint speaks, or a multiplication on the curve, which the proof system
 * constrains and the solver only makes.
 */
export interface SolverCall {
  readonly kind: "hint" | "multiplication";
  /** Witnesses that go into it by themselves, of a multiplication the scalars' limbs; null for another expression. */
  readonly inputs: readonly (number | null)[];
  /** Witnesses that come of it. */
  readonly outputs: readonly number[];
}

export interface Acir {
  readonly bytes: Uint8Array;
  readonly opcodes: readonly PlacedOpcode[];
}

/** @param bytecode of a compiled program: base64, compressed */
export function readAcir(bytecode: string): Acir {
  const bytes = new Uint8Array(gunzipSync(Buffer.from(bytecode, "base64")));
  // A byte for the format, the program (its functions first), the first function, its name, its opcodes.
  const program = 1;
  const functions = program + headerOf(bytes, program).length;
  const main = functions + headerOf(bytes, functions).length;
  const name = main + headerOf(bytes, main).length;
  const list = endOf(bytes, name);
  const { items, length } = headerOf(bytes, list);
  const opcodes: PlacedOpcode[] = [];
  for (let index = 0, start = list + length; index < items; index += 1) {
    const end = endOf(bytes, start);
    const opcode = decodeMessagePack(bytes.subarray(start, end), LIMITS);
    if (!(opcode instanceof Map)) throw new Error("an opcode of another form");
    opcodes.push({ start, end, opcode: opcode as ReadonlyMap<string, MessagePackValue> });
    start = end;
  }
  return { bytes, opcodes };
}

/** The program without the calls that `isLeftOut`, compressed as the solver takes it. */
export function withoutCalls({ bytes, opcodes }: Acir, isLeftOut: (call: SolverCall) => boolean): Uint8Array {
  const [harmless] = opcodes.filter(
    ({ opcode }) => opcode.has("AssertZero") || opcode.has("BlackBoxFuncCall"),
  );
  if (harmless === undefined) throw new Error("a circuit without constraints");
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const placed of opcodes) {
    const call = solverCallOf(placed.opcode);
    if (call === null || !isLeftOut(call)) continue;
    // Written twice, a constraint says nothing new: so the number of opcodes stays.
    parts.push(bytes.subarray(at, placed.start), bytes.subarray(harmless.start, harmless.end));
    at = placed.end;
  }
  parts.push(bytes.subarray(at));
  return new Uint8Array(gzipSync(Buffer.concat(parts)));
}

export const solverCalls = ({ opcodes }: Acir): readonly SolverCall[] =>
  opcodes.map(({ opcode }) => solverCallOf(opcode)).filter((call) => call !== null);

function solverCallOf(opcode: ReadonlyMap<string, MessagePackValue>): SolverCall | null {
  const hint = opcode.get("BrilligCall");
  if (Array.isArray(hint)) {
    const [, inputs, outputs] = hint as readonly (readonly ReadonlyMap<string, MessagePackValue>[])[];
    return {
      kind: "hint",
      inputs: (inputs ?? []).map((input) => soleWitness(input.get("Single"))),
      outputs: (outputs ?? []).flatMap((output) => {
        const array = output.get("Array");
        return Array.isArray(array) ? (array as number[]) : [output.get("Simple") as number];
      }),
    };
  }
  const multiplication = (opcode.get("BlackBoxFuncCall") as typeof opcode | undefined)?.get("MultiScalarMul");
  if (!Array.isArray(multiplication)) return null;
  const [, scalars, , outputs] = multiplication as [
    unknown,
    ReadonlyMap<string, number>[],
    unknown,
    number[],
  ];
  return { kind: "multiplication", inputs: scalars.map((scalar) => scalar.get("Witness") ?? null), outputs };
}

/** Of an expression that is one witness: products, then witnesses with their factors, then a constant. */
function soleWitness(expression: MessagePackValue | undefined): number | null {
  if (!Array.isArray(expression)) return null;
  const [products, terms, constant] = expression as [unknown[], [Uint8Array, number][], Uint8Array];
  const [term] = terms;
  if (products.length > 0 || terms.length !== 1 || term === undefined) return null;
  return constant.every((byte) => byte === 0) ? term[1] : null;
}

/** Of an array or a map: how many values it holds, and the length of what says so. */
function headerOf(bytes: Uint8Array, at: number): { readonly items: number; readonly length: number } {
  const format = bytes[at] ?? 0;
  if (format >= 0x80 && format <= 0x8f) return { items: 2 * (format & 0x0f), length: 1 };
  if (format >= 0x90 && format <= 0x9f) return { items: format & 0x0f, length: 1 };
  if (format === 0xdc) return { items: uintAt(bytes, at + 1, 2), length: 3 };
  if (format === 0xdd) return { items: uintAt(bytes, at + 1, 4), length: 5 };
  throw new Error(`no container of the compiler's: ${format}`);
}

/** Where the value at `at` ends: of the formats that the compiler writes. */
function endOf(bytes: Uint8Array, at: number): number {
  const format = bytes[at] ?? 0;
  if (format <= 0x7f || format >= 0xe0 || (format >= 0xc0 && format <= 0xc3)) return at + 1;
  if (format >= 0xa0 && format <= 0xbf) return at + 1 + (format & 0x1f);
  if (format >= 0xc4 && format <= 0xc6) return lengthPrefixedEnd(bytes, at, 2 ** (format - 0xc4));
  if (format >= 0xcc && format <= 0xcf) return at + 1 + 2 ** (format - 0xcc);
  if (format >= 0xd0 && format <= 0xd3) return at + 1 + 2 ** (format - 0xd0);
  if (format >= 0xd9 && format <= 0xdb) return lengthPrefixedEnd(bytes, at, 2 ** (format - 0xd9));
  const { items, length } = headerOf(bytes, at);
  let end = at + length;
  for (let index = 0; index < items; index += 1) end = endOf(bytes, end);
  return end;
}

const lengthPrefixedEnd = (bytes: Uint8Array, at: number, size: number): number =>
  at + 1 + size + uintAt(bytes, at + 1, size);

function uintAt(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = 0; index < length; index += 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
