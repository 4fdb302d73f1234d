import type { Json } from "../../protocol/canonical-json.ts";
import type { PartialArgument } from "./gemini-reply.ts";
import { malformed } from "./response-body.ts";

/** `$.name[0].other`: the only paths that are sent. */
const STEP = /\.([A-Za-z_$][\w$-]*)|\[(\d{1,6})\]|\['([^']*)'\]/y;

/** Steps of one path, so that a short path cannot make a deep value. */
const MAX_STEPS = 64;

type Node = Record<string, unknown> | unknown[];

/**
 * Arguments of a function call that come value by value, each named by a JSONPath, strings in pieces.
 * https://ai.google.dev/api/generate-content, PartialArg
 */
export class PartialArguments {
  readonly #root: Record<string, unknown>;

  constructor(whole: Json) {
    this.#root = nullPrototype(whole);
  }

  get value(): Json {
    return this.#root as Json;
  }

  /** @throws {UpstreamError} MODEL_RESPONSE_MALFORMED for a path that leads nowhere */
  add(argument: PartialArgument): void {
    const steps = parsePath(argument.jsonPath);
    let node: Node = this.#root;
    for (const [at, step] of steps.entries()) {
      const next = steps[at + 1];
      const before = read(node, step);
      if (next === undefined) {
        write(node, step, grown(before, argument));
        return;
      }
      if (before === undefined) write(node, step, typeof next === "number" ? [] : nullPrototype({}));
      node = asNode(read(node, step));
    }
  }
}

function nullPrototype(value: Json): Record<string, unknown> {
  // No prototype: a member may be called anything.
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

function parsePath(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  STEP.lastIndex = 1;
  while (path.startsWith("$") && STEP.lastIndex < path.length && steps.length < MAX_STEPS) {
    const match = STEP.exec(path);
    if (match === null) break;
    const [whole, name, index, quoted] = match;
    steps.push(index === undefined ? (name ?? quoted ?? whole) : Number(index));
    if (STEP.lastIndex === path.length) return steps;
  }
  throw malformed("an argument has a path that cannot be read");
}

function read(node: Node, step: string | number): unknown {
  if (Array.isArray(node)) return typeof step === "number" ? node[step] : undefined;
  return node[String(step)];
}

function write(node: Node, step: string | number, value: unknown): void {
  if (!Array.isArray(node)) node[String(step)] = value;
  // Lists grow by their end only: a far index would make an enormous one.
  else if (typeof step === "number" && step <= node.length) node[step] = value;
  else throw malformed("an argument skips items of a list");
}

function asNode(value: unknown): Node {
  if (typeof value === "object" && value !== null) return value as Node;
  throw malformed("an argument is both a value and what contains it");
}

function grown(before: unknown, argument: PartialArgument): unknown {
  const { stringValue, numberValue, boolValue } = argument;
  if (stringValue !== undefined && stringValue !== null)
    return typeof before === "string" ? before + stringValue : stringValue;
  return numberValue ?? boolValue ?? null;
}
