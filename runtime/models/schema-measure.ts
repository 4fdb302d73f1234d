/** How large a JSON Schema is, in the measures that providers limit. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { SchemaLimits } from "./model-terms.ts";

type JsonObject = { readonly [key: string]: Json };

type Measures = { -readonly [Name in keyof Required<SchemaLimits>]: number };

const DEFINITION = "#/$defs/";
/** Definitions inside each other through their references. More are as good as without end: no provider takes a tenth of them. */
const MAX_REFERENCES = 256;

/** Whether `schema` stays within what a provider says that it takes. A recursive one has no depth, and stays within none. */
export function fitsSchemaLimits(schema: Json, limits: SchemaLimits): boolean {
  if (limits.depth !== undefined && new Depths(schema).of(schema) > limits.depth) return false;
  const sizes: Measures = {
    depth: 0,
    properties: 0,
    optionalProperties: 0,
    unions: 0,
    enumValues: 0,
    characters: 0,
  };
  measure(schema, sizes);
  return Object.entries(sizes).every(
    ([name, size]) => size <= (limits[name as keyof SchemaLimits] ?? Infinity),
  );
}

/** Whether a definition of `schema` refers to itself, through others or directly. */
export function isRecursiveSchema(schema: Json): boolean {
  return new Depths(schema).of(schema) === Infinity;
}

/**
 * Objects and lists inside each other; infinite where a definition holds itself. Each definition is measured once: one that holds the
 * next twice, thirty times over, would else be walked a billion times.
 */
class Depths {
  readonly #root: Json;
  readonly #known = new Map<string, number>();
  readonly #entered = new Set<string>();

  constructor(root: Json) {
    this.#root = root;
  }

  of(schema: Json): number {
    if (!isObject(schema)) return 0;
    const { $ref, properties, items, type } = schema;
    if (typeof $ref === "string") return this.#ofDefinition($ref);
    const nests = properties !== undefined || items !== undefined || type === "object" || type === "array";
    let below = 0;
    for (const child of subschemas(schema)) below = Math.max(below, this.of(child));
    return (nests ? 1 : 0) + below;
  }

  #ofDefinition(ref: string): number {
    const known = this.#known.get(ref);
    if (known !== undefined) return known;
    if (this.#entered.has(ref) || this.#entered.size >= MAX_REFERENCES) return Infinity;
    this.#entered.add(ref);
    const depth = this.of(definition(this.#root, ref));
    this.#entered.delete(ref);
    this.#known.set(ref, depth);
    return depth;
  }
}

function definition(root: Json, ref: string): Json {
  const definitions = isObject(root) ? root["$defs"] : undefined;
  const name = ref.slice(DEFINITION.length);
  return isObject(definitions) ? (definitions[name] ?? null) : null;
}

function measure(schema: Json, sizes: Measures): void {
  if (!isObject(schema)) return;
  const { properties, required, $defs, type, anyOf } = schema;
  const names = isObject(properties) ? Object.keys(properties) : [];
  const demanded = new Set(list(required));
  const definitions = isObject($defs) ? $defs : {};
  const values = [...list(schema["enum"]), ...("const" in schema ? [schema["const"] ?? null] : [])];
  sizes.properties += names.length;
  sizes.optionalProperties += names.filter((name) => !demanded.has(name)).length;
  sizes.unions += (anyOf === undefined ? 0 : 1) + (Array.isArray(type) ? 1 : 0);
  sizes.enumValues += list(schema["enum"]).length;
  sizes.characters += [...names, ...Object.keys(definitions)].join("").length;
  sizes.characters += values.reduce<number>((sum, value) => sum + text(value).length, 0);
  for (const child of [...subschemas(schema), ...Object.values(definitions)]) measure(child, sizes);
}

function text(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function subschemas({ properties, items, additionalProperties, anyOf }: JsonObject): readonly Json[] {
  return [
    ...(isObject(properties) ? Object.values(properties) : []),
    ...[items, additionalProperties].filter(isObject),
    ...list(anyOf),
  ];
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
