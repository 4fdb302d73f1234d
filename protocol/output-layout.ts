/** Where the values of an output type stand in their encoding: https://docs.soliditylang.org/en/v0.8.30/abi-spec.html#formal-specification-of-the-encoding */

import { integerRange, type BaseType, type OutputField } from "./output-type.ts";

/** Bytes of a word. */
export const WORD = 32;

/** Bytes that a layout takes where its sequence begins: the value itself, or the offset to a value whose length is free. */
interface Head {
  readonly isDynamic: boolean;
  /** May be more than any memory has: lists of lists of fixed lengths multiply. */
  readonly headBytes: number;
}

export type WordLayout = Head &
  (
    | { readonly kind: "bool" | "address" }
    | { readonly kind: "fixedBytes"; readonly length: number }
    | { readonly kind: "integer"; readonly signed: boolean; readonly min: bigint; readonly max: bigint }
  );

export type Layout =
  | WordLayout
  | (Head & { readonly kind: "string" | "bytes" })
  | (Head & { readonly kind: "tuple"; readonly names: readonly string[]; readonly members: Members })
  | (Head & { readonly kind: "list"; readonly item: Layout; readonly length: number | null });

/** Values that stand one after another, and bytes of their heads together. */
export interface Members {
  readonly layouts: readonly Layout[];
  readonly headBytes: number;
}

/** Worked out once for a type, since a list may have thousands of its values. */
export function layOut(fields: readonly OutputField[]): Members {
  const layouts = fields.map(layOutField);
  return { layouts, headBytes: layouts.reduce((bytes, { headBytes }) => bytes + headBytes, 0) };
}

function layOutField({ base, arrays }: OutputField): Layout {
  return arrays.reduce<Layout>((item, length) => {
    const isDynamic = length === null || item.isDynamic;
    return { kind: "list", item, length, isDynamic, headBytes: isDynamic ? WORD : length * item.headBytes };
  }, layOutBase(base));
}

const ONE_WORD = { isDynamic: false, headBytes: WORD } as const;
const AN_OFFSET = { isDynamic: true, headBytes: WORD } as const;

function layOutBase(base: BaseType): Layout {
  switch (base.kind) {
    case "bool":
    case "address":
      return { kind: base.kind, ...ONE_WORD };
    case "fixedBytes":
      return { kind: "fixedBytes", length: base.length, ...ONE_WORD };
    case "integer":
    case "fixed":
      return {
        kind: "integer",
        signed: base.signed,
        ...integerRange(base.signed, base.bits),
        ...ONE_WORD,
      };
    case "string":
    case "bytes":
      return { kind: base.kind, ...AN_OFFSET };
    case "tuple": {
      const members = layOut(base.fields);
      const names = base.fields.map(({ name }) => name);
      const isDynamic = members.layouts.some((layout) => layout.isDynamic);
      return { kind: "tuple", names, members, isDynamic, headBytes: isDynamic ? WORD : members.headBytes };
    }
  }
}
