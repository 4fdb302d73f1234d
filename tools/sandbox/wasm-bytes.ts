/** Reading and writing WebAssembly's binary form (WebAssembly Core Specification 2.0, §5), as far as metering needs it. */

export interface Section {
  readonly id: number;
  body: Uint8Array;
}

export class WasmReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined) throw new RangeError("the module ends inside an instruction");
    this.at += 1;
    return value;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  uint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new RangeError("an integer of the module is longer than 32 bits");
  }

  /** A LEB128 of any width, unread. */
  skipInteger(): void {
    while (this.byte() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
  }
}

export function encodeUint(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 0x80);
  }
}

/** A signed LEB128 of a number that is not negative. */
export function encodeInt(value: number): number[] {
  const bytes = encodeUint(value);
  const last = bytes.at(-1) ?? 0;
  // The sixth bit is the sign.
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0];
}

const HEADER_BYTES = 8;

export function readSections(module: Uint8Array): Section[] {
  const reader = new WasmReader(module, HEADER_BYTES);
  const sections: Section[] = [];
  while (!reader.atEnd) {
    const id = reader.byte();
    const length = reader.uint();
    sections.push({ id, body: module.subarray(reader.at, reader.at + length) });
    reader.skip(length);
  }
  return sections;
}

export function writeSections(module: Uint8Array, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections.map(({ id, body }) => [Uint8Array.from([id, ...encodeUint(body.length)]), body]);
  return joinBytes([module.subarray(0, HEADER_BYTES), ...parts.flat()]);
}

export function joinBytes(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
