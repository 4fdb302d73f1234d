import type { Json } from "../../protocol/canonical-json.ts";
import type { ToolCall } from "./model-format.ts";
import { malformed } from "./response-body.ts";

interface CallPart {
  readonly id?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly args?: unknown;
  readonly partialArgs?: readonly PartialArg[] | null | undefined;
}

interface PartialArg {
  readonly jsonPath: string;
  readonly [member: string]: unknown;
}

type Mutable = { [key: string]: Mutable | Json } | (Mutable | Json)[];

/** Nesting of a streamed argument: deeper is no argument that a tool takes. */
const MAX_PATH_STEPS = 32;
const MAX_INDEX = 4_095;

/** Function calls of a Gemini reply: whole, or streamed as values for JSON paths. */
export class GeminiCalls {
  readonly #calls: { id: string | null; name: string; args: Mutable | Json }[] = [];

  take({ id, name, args, partialArgs }: CallPart): void {
    if (typeof name === "string" && name !== "") {
      this.#calls.push({ id: id ?? null, name, args: (args ?? {}) as Json });
    }
    for (const part of partialArgs ?? []) {
      const call = this.#calls.at(-1);
      if (call === undefined) throw malformed("arguments of no function call");
      setAt(call.args as Mutable, parsePath(part.jsonPath), valueOf(part));
    }
  }

  all(): readonly ToolCall[] {
    return this.#calls.map(({ id, name, args }) => ({ id, name, arguments: JSON.stringify(args) }));
  }
}

function valueOf(part: PartialArg): Json {
  for (const kind of ["stringValue", "numberValue", "boolValue"] as const) {
    const value = part[kind];
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  }
  return null;
}

/** `$.ingredients[0].name` to its steps. */
function parsePath(path: string): readonly (string | number)[] {
  if (!/^\$(?:\.[^.[\]]+|\[\d{1,4}\]|\['[^']*'\])+$/u.test(path)) {
    throw malformed("arguments with a path that cannot be read");
  }
  const steps = [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/gu)].map(
    ([, dotted, index, quoted]) => (index === undefined ? (dotted ?? quoted ?? "") : Number(index)),
  );
  if (steps.length > MAX_PATH_STEPS || steps.some((step) => typeof step === "number" && step > MAX_INDEX)) {
    throw malformed("arguments nest too deep");
  }
  return steps;
}

/** Strings grow with each piece; anything else comes once. */
function setAt(root: Mutable, steps: readonly (string | number)[], value: Json): void {
  let node = root as Record<string | number, Mutable | Json | undefined>;
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1];
    const existing = Object.hasOwn(node, step) ? node[step] : undefined;
    if (next === undefined) {
      define(
        node,
        step,
        typeof existing === "string" && typeof value === "string" ? existing + value : value,
      );
      return;
    }
    if (typeof existing === "object" && existing !== null) {
      node = existing as typeof node;
      continue;
    }
    const created: Mutable = typeof next === "number" ? [] : {};
    define(node, step, created);
    node = created as typeof node;
  }
}

/** Defined, not assigned: a member named `__proto__` stays a member. */
function define(node: object, step: string | number, value: Mutable | Json): void {
  Object.defineProperty(node, step, { value, writable: true, enumerable: true, configurable: true });
}
