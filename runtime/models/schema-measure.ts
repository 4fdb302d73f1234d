/** How large a JSON Schema is, in the measures that providers limit. */

import type { Json } from "../../protocol/canonical-json.ts";
import type { SchemaLimits } from "./model-terms.ts";

type JsonObject = { readonly [key: string]: Json };

type Measures = { -readonly [Name in keyof Required<SchemaLimits>]: number };

const DEFINITION = "#/$defs/";

/** Whether `schema` stays within what a provider says that it takes. A recursive one has no depth, and stays within none. */
export function fitsSchemaLimits(schema: Json, limits: SchemaLimits): boolean {
  if (limits.depth !== undefined && depthOf(schema, schema, new Set()) > limits.depth) return false;
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
  return depthOf(schema, schema, new Set()) === Infinity;
}

/** Objects and lists inside each other; infinite where a definition holds itself. */
function depthOf(schema: Json, root: Json, entered: ReadonlySet<string>): number {
  if (!isObject(schema)) return 0;
  const { $ref, properties, items, type } = schema;
  if (typeof $ref === "string") {
    if (entered.has($ref)) return Infinity;
    return depthOf(definition(root, $ref), root, new Set([...entered, $ref]));
  }
  const nests = properties !== undefined || items !== undefined || type === "object" || type === "array";
  const below = subschemas(schema).reduce<number>(
    (deepest, child) => Math.max(deepest, depthOf(child, root, entered)),
    0,
  );
  return (nests ? 1 : 0) + below;
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
  const definitions = isObject($defs) ? $defs : {};
  const values = [...list(schema["enum"]), ...("const" in schema ? [schema["const"] ?? null] : [])];
  sizes.properties += names.length;
  sizes.optionalProperties += names.filter((name) => !list(required).includes(name)).length;
  sizes.unions += (anyOf === undefined ? 0 : 1) + (Array.isArray(type) ? 1 : 0);
  sizes.enumValues += list(schema["enum"]).length;
  sizes.characters += [...names, ...Object.keys(definitions)].join("").length;
  sizes.characters += values.reduce<number>((sum, value) => sum + text(value).length, 0);
  for (const child of [...subschemas(schema), ...Object.values(definitions)]) measure(child, sizes);
}

function text(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function subschemas({ properties, items, anyOf }: JsonObject): readonly Json[] {
  return [
    ...(isObject(properties) ? Object.values(properties) : []),
    ...(items === undefined ? [] : [items]),
    ...list(anyOf),
  ];
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
