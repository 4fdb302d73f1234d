/** Says of JSON that a schema refuses where it is wrong, what is wanted there, and which known word was probably meant. */

import * as z from "zod";
import { joinPlace } from "../../protocol/unique-members.ts";
import { nearest } from "./nearest.ts";

export interface Misfit {
  /** The deepest place that is wrong: `tdx.combinations.oneOf[0].mrTD`. */
  readonly place: string;
  /** What is wrong there, and what is wanted; begins with the place. */
  readonly message: string;
}

export interface Refused {
  readonly schema: z.ZodType;
  readonly error: z.ZodError;
  readonly value: unknown;
  /** Where `value` stands in its file; empty for all of it. */
  readonly path: string;
}

export function describeMisfit({ schema, error, value, path }: Refused): Misfit {
  const leaf = deepest(error.issues.flatMap((issue) => leavesOf(issue, [])));
  const place = join(path, leaf.members);
  const found = leaf.isName ? undefined : valueAt(value, leaf.members);
  const word = leaf.isName ? leaf.members.at(-1) : found;
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonForm;
  const meant = typeof word === "string" ? nearest(word, wordsOf(json)) : undefined;
  const wrong = leaf.isName
    ? "is not known"
    : found === undefined
      ? "is missing"
      : `cannot be ${shorten(found)}`;
  const hint = meant === undefined || meant === word ? "" : `: did you mean ${meant}?`;
  const advice = leaf.advice === undefined ? "" : `: ${leaf.advice}`;
  const wanted = path === "" ? "" : `; ${path} is ${describeForm(json)}`;
  return { place, message: `${place === "" ? "it" : place} ${wrong}${hint}${advice}${wanted}` };
}

function join(path: string, members: readonly PropertyKey[]): string {
  const inner = joinPlace(members);
  return path === "" || inner === "" || inner.startsWith("[") ? `${path}${inner}` : `${path}.${inner}`;
}

/** One thing that is wrong. */
interface Leaf {
  readonly members: readonly PropertyKey[];
  /** Whether it is the member's name that is not known, and not its value. */
  readonly isName: boolean;
  /** Of a rule that no form says, its own words. */
  readonly advice?: string;
}

function leavesOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): readonly Leaf[] {
  const members = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ members: [...members, key], isName: true }));
  if (issue.code === "invalid_key") return [{ members, isName: true }];
  if (issue.code === "custom") return [{ members, isName: false, advice: issue.message }];
  if (issue.code !== "invalid_union") return [{ members, isName: false }];
  const forms = issue.errors.map((inner) => inner.flatMap((each) => leavesOf(each, members)));
  // Of several forms, one was meant that knows the members which are there, and of those the one that fits furthest.
  const isKnown = (leaves: readonly Leaf[]): boolean =>
    !leaves.some(({ members: { length }, isName, advice }) =>
      isName ? length === members.length + 1 : length === members.length && advice === undefined,
    );
  const known = forms.filter(isKnown);
  const meant = (known.length === 0 ? forms : known).map(deepest);
  return meant.length === 0 ? [{ members, isName: false }] : [deepest(meant)];
}

/** Of two at one depth, a name that is not known before a member that is missing. */
function deepest(leaves: readonly Leaf[]): Leaf {
  const rank = ({ members, isName }: Leaf): number => 2 * members.length + (isName ? 1 : 0);
  return leaves.reduce((best, leaf) => (rank(leaf) > rank(best) ? leaf : best));
}

function valueAt(value: unknown, members: readonly PropertyKey[]): unknown {
  return members.reduce<unknown>(
    (inner, member) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, member)
        ? (inner as Readonly<Record<PropertyKey, unknown>>)[member]
        : undefined,
    value,
  );
}

interface JsonForm {
  readonly anyOf?: readonly JsonForm[];
  readonly properties?: Readonly<Record<string, JsonForm>>;
  readonly propertyNames?: JsonForm;
  readonly additionalProperties?: JsonForm | boolean;
  readonly items?: JsonForm;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly type?: string;
}

/** The forms that a value may have, as JSON: `{"oneOf": […]} or {"acceptAny": true}`. */
function describeForm(form: JsonForm): string {
  const { anyOf, properties, items, enum: values, const: constant, pattern, type } = form;
  if (anyOf !== undefined) return anyOf.map(describeForm).join(" or ");
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, inner]) => `"${name}": ${describeForm(inner)}`);
    return `{${members.join(", ")}}`;
  }
  if (items !== undefined) return `[${describeForm(items)}, …]`;
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join("|");
  if (constant !== undefined) return JSON.stringify(constant);
  return pattern === undefined ? (type ?? "…") : `text as ${pattern}`;
}

/** Every name and every fixed value that a schema knows, wherever in it. */
function wordsOf(form: JsonForm): readonly string[] {
  const { anyOf = [], properties = {}, propertyNames, additionalProperties, items, enum: values = [] } = form;
  const inner = [...anyOf, ...Object.values(properties), propertyNames, additionalProperties, items];
  const fixed = [...values, form.const].filter((value) => typeof value === "string");
  const within = inner.filter((each) => typeof each === "object").flatMap(wordsOf);
  return [...Object.keys(properties), ...fixed, ...within];
}

/** A value in few characters. */
export function shorten(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
