/** Messages of protocol buffers, field by field: the library reads the wire format, and a table says what is made of which field. */

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { InputError } from "../../protocol/errors.ts";
import { refused } from "./integer-model.ts";

/** What is done with a field, by the form that it has on the wire. */
type FieldReader = Readonly<Partial<Record<WireType, (reader: BinaryReader) => void>>>;

/**
 * Fields that the table does not name are skipped.
 *
 * @throws {InputError} INPUT_INVALID for bytes that are no message, or a field of another type
 */
export function readMessage(bytes: Uint8Array, table: Readonly<Record<number, FieldReader>>): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      const field = table[number];
      if (field === undefined) {
        reader.skip(type, number);
        continue;
      }
      const read = field[type];
      if (read === undefined) throw refused(`field ${number} of a message has another type`);
      read(reader);
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw refused(`the file is no protocol buffers message (${String(cause)})`);
  }
}

export function text(take: (value: string) => void): FieldReader {
  // Strict: a name that is no UTF-8 would be compared with another that became the same.
  return {
    [WireType.LengthDelimited]: (reader) => {
      take(reader.string(true));
    },
  };
}

export function bytes(take: (value: Uint8Array) => void): FieldReader {
  return {
    [WireType.LengthDelimited]: (reader) => {
      take(reader.bytes());
    },
  };
}

export function integers(take: (value: number) => void): FieldReader {
  const one = (reader: BinaryReader): void => {
    take(Number(reader.int64()));
  };
  return { [WireType.Varint]: one, [WireType.LengthDelimited]: packed(one) };
}

export function floats(take: (value: number) => void): FieldReader {
  const one = (reader: BinaryReader): void => {
    take(reader.float());
  };
  return { [WireType.Bit32]: one, [WireType.LengthDelimited]: packed(one) };
}

function packed(one: (reader: BinaryReader) => void): (reader: BinaryReader) => void {
  return (reader) => {
    const list = new BinaryReader(reader.bytes());
    while (list.pos < list.len) one(list);
  };
}
