/**
 * Whether a value fits a JSON Schema that `checkJsonSchema` passed: our own word on it, whatever a provider enforced.
 *
 * A requester writes the schema and a model the value, each within its own size limit; together they could ask for billions of
 * comparisons, for a stack that has no end, or for a sentence about each of a thousand alternatives, while the enclave answers
 * nobody else. So work is counted, nesting is bounded, and nothing is put into words but the problem that is returned.
 */

import {
  ExactNumber,
  isExactList as isList,
  isExactObject as isObject,
  type ExactJson,
} from "./exact-json.ts";
import { RANGES } from "./json-schema.ts";

/** Schemas applied, values compared and text read, in units of about 0.1 µs: 20 ms. */
const MAX_STEPS = 200_000;
/** Schemas that are being applied within one another. A value nests 128 deep at most, and most levels take one or two. */
const MAX_NESTING = 512;
/** Characters of text that are read at the price of one step. */
const CHARACTERS_A_STEP = 16;
/** A number that is read for the first time. */
const STEPS_A_NUMBER = 10;
/** Characters of a message, which a model is shown. */
const MAX_WORDS = 600;

type ExactObject = { readonly [key: string]: ExactJson };

/** Where in the value; its text is made when somebody reads it. */
interface Place {
  readonly parent: Place | null;
  readonly key: string | number;
}

interface Problem {
  readonly place: Place | null;
  readonly words: () => string;
}

/**
 * What is wrong with `value`, in words for the model; null when nothing is.
 *
 * @param schema of `parseExactJson`, checked by `checkJsonSchema`
 */
export function findSchemaProblem(schema: ExactJson, value: ExactJson): string | null {
  return new Validation(schema).verdict(value);
}

class Validation {
  readonly #root: ExactJson;
  /** The strings of an `enum`: long ones stand over long lists. */
  readonly #textsOf = new Map<readonly ExactJson[], ReadonlySet<string>>();
  /** Its numbers, each by the one text of its value. */
  readonly #numbersOf = new Map<readonly ExactJson[], ReadonlySet<string>>();
  #steps = 0;
  #nesting = 0;
  /** Set once and for all: what was not checked fits nothing, whichever alternative comes next. */
  #isExceeded = false;

  constructor(root: ExactJson) {
    this.#root = root;
  }

  verdict(value: ExactJson): string | null {
    const problem = this.#problem(this.#root, value, null);
    if (this.#isExceeded) return "the answer is too long or nests too deep to be checked";
    if (problem === null) return null;
    const text = `${placeText(problem.place)} ${problem.words()}`;
    return text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS)}…`;
  }

  /** False when the work is over, whatever is left of it. */
  #charge(steps: number): boolean {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) this.#isExceeded = true;
    return !this.#isExceeded;
  }

  #problem(schema: ExactJson, value: ExactJson, place: Place | null): Problem | null {
    const rules = this.#resolve(schema);
    if (!isObject(rules)) return { place, words: () => "has no schema" };
    if (!this.#charge(1)) return UNCHECKED;
    if (this.#nesting >= MAX_NESTING) {
      this.#isExceeded = true;
      return UNCHECKED;
    }
    this.#nesting += 1;
    const problem =
      typeProblem(rules, value, place) ??
      this.#valueProblem(rules, value, place) ??
      (isObject(value) ? this.#objectProblem(rules, value, place) : null) ??
      (isList(value) ? this.#listProblem(rules, value, place) : null) ??
      (typeof value === "string" ? this.#lengthProblem(rules, value, place) : null) ??
      (value instanceof ExactNumber ? rangeProblem(rules, value, place) : null) ??
      this.#anyOfProblem(rules, value, place);
    this.#nesting -= 1;
    return problem;
  }

  /** The schema that a `$ref` names; `checkJsonSchema` bounds how many follow one another. */
  #resolve(schema: ExactJson): ExactJson {
    let target = schema;
    while (isObject(target) && target["$ref"] !== undefined && this.#charge(1))
      target = definitionOf(this.#root, target["$ref"]);
    return target;
  }

  #valueProblem(
    { enum: values, const: only }: ExactObject,
    value: ExactJson,
    place: Place | null,
  ): Problem | null {
    if (only !== undefined && !this.#isSame(only, value))
      return { place, words: () => `must be ${textOf(only)}` };
    if (!isList(values) || this.#isAmong(values, value)) return null;
    return { place, words: () => `must be one of ${textOf(values)}` };
  }

  #isAmong(values: readonly ExactJson[], value: ExactJson): boolean {
    if (typeof value === "string") return this.#chargeText(value) && this.#textsAmong(values).has(value);
    if (value instanceof ExactNumber)
      return this.#chargeNumber(value) && this.#numbersAmong(values).has(String(value));
    return values.some((candidate) => this.#isSame(candidate, value));
  }

  #textsAmong(values: readonly ExactJson[]): ReadonlySet<string> {
    const known = this.#textsOf.get(values);
    if (known !== undefined) return known;
    if (!this.#charge(values.length)) return NONE;
    const texts = new Set(values.filter((candidate) => typeof candidate === "string"));
    this.#textsOf.set(values, texts);
    return texts;
  }

  #numbersAmong(values: readonly ExactJson[]): ReadonlySet<string> {
    const known = this.#numbersOf.get(values);
    if (known !== undefined) return known;
    const numbers = new Set<string>();
    for (const candidate of values) {
      if (!this.#charge(1)) return NONE;
      if (!(candidate instanceof ExactNumber)) continue;
      if (!this.#chargeNumber(candidate)) return NONE;
      numbers.add(String(candidate));
    }
    this.#numbersOf.set(values, numbers);
    return numbers;
  }

  #objectProblem(schema: ExactObject, value: ExactObject, place: Place | null): Problem | null {
    const { required, properties, additionalProperties } = schema;
    const known = isObject(properties) ? properties : {};
    const wanted = isList(required) ? required : [];
    const names = Object.keys(value);
    if (!this.#charge(wanted.length + names.length)) return UNCHECKED;
    for (const name of wanted) {
      if (typeof name === "string" && !Object.hasOwn(value, name))
        return { place: { parent: place, key: name }, words: () => "is missing" };
    }
    for (const name of names) {
      const childSchema = Object.hasOwn(known, name) ? known[name] : additionalProperties;
      if (childSchema === false) return { place, words: () => "has a member that was not asked for" };
      if (childSchema === undefined || childSchema === true) continue;
      const problem = this.#problem(childSchema, value[name] ?? null, { parent: place, key: name });
      if (problem !== null) return problem;
    }
    return null;
  }

  #listProblem(schema: ExactObject, value: readonly ExactJson[], place: Place | null): Problem | null {
    const { items, minItems, maxItems } = schema;
    const length = new ExactNumber(String(value.length));
    if (minItems instanceof ExactNumber && length.compare(minItems) < 0)
      return { place, words: () => `needs at least ${String(minItems)} items` };
    if (maxItems instanceof ExactNumber && length.compare(maxItems) > 0)
      return { place, words: () => `takes at most ${String(maxItems)} items` };
    if (items === undefined) return null;
    for (const [index, child] of value.entries()) {
      const problem = this.#problem(items, child, { parent: place, key: index });
      if (problem !== null) return problem;
    }
    return null;
  }

  #lengthProblem({ minLength, maxLength }: ExactObject, value: string, place: Place | null): Problem | null {
    if (minLength === undefined && maxLength === undefined) return null;
    if (!this.#chargeText(value)) return UNCHECKED;
    // In characters, as JSON Schema counts; an array of them would be many times the string.
    const characters = value[Symbol.iterator]();
    let count = 0;
    while (characters.next().done !== true) count += 1;
    const length = new ExactNumber(String(count));
    if (minLength instanceof ExactNumber && length.compare(minLength) < 0)
      return { place, words: () => `needs at least ${String(minLength)} characters` };
    if (maxLength instanceof ExactNumber && length.compare(maxLength) > 0)
      return { place, words: () => `takes at most ${String(maxLength)} characters` };
    return null;
  }

  #anyOfProblem({ anyOf }: ExactObject, value: ExactJson, place: Place | null): Problem | null {
    if (!isList(anyOf)) return null;
    for (const schema of anyOf) {
      if (this.#problem(schema, value, place) === null) return null;
      if (this.#isExceeded) return UNCHECKED;
    }
    return { place, words: () => "fits none of the alternatives" };
  }

  #isSame(a: ExactJson, b: ExactJson): boolean {
    if (!this.#charge(1)) return false;
    if (typeof a === "string")
      return typeof b === "string" && a.length === b.length && this.#chargeText(a) && a === b;
    if (a instanceof ExactNumber)
      return b instanceof ExactNumber && this.#chargeNumber(a) && this.#chargeNumber(b) && a.compare(b) === 0;
    if (isList(a))
      return isList(b) && a.length === b.length && a.every((item, at) => this.#isSame(item, b[at] ?? null));
    if (!isObject(a)) return a === b;
    if (!isObject(b)) return false;
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length || !this.#charge(names.length)) return false;
    return names.every((name) => Object.hasOwn(b, name) && this.#isSame(a[name] ?? null, b[name] ?? null));
  }

  #chargeNumber({ literal, isRead }: ExactNumber): boolean {
    return this.#charge((isRead ? 0 : STEPS_A_NUMBER) + Math.floor(literal.length / CHARACTERS_A_STEP));
  }

  #chargeText(text: string): boolean {
    return this.#charge(Math.ceil(text.length / CHARACTERS_A_STEP));
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Stands where checking ended; `verdict` says so instead. */
const UNCHECKED: Problem = { place: null, words: () => "was not checked" };

function definitionOf(root: ExactJson, ref: ExactJson): ExactJson {
  const definitions = isObject(root) ? root["$defs"] : undefined;
  const name = typeof ref === "string" ? ref.slice("#/$defs/".length) : "";
  return isObject(definitions) && Object.hasOwn(definitions, name) ? (definitions[name] ?? null) : null;
}

function typeProblem({ type }: ExactObject, value: ExactJson, place: Place | null): Problem | null {
  if (type === undefined) return null;
  const accepted = isList(type) ? type : [type];
  const actual = typeName(value);
  const isInteger = value instanceof ExactNumber && value.isInteger();
  if (accepted.some((name) => name === actual || (name === "integer" && isInteger))) return null;
  return { place, words: () => `must be ${accepted.map(String).join(" or ")}, not ${actual}` };
}

const RANGE_RULES = {
  minimum: { holds: (order: number) => order >= 0, words: "at least" },
  maximum: { holds: (order: number) => order <= 0, words: "at most" },
  exclusiveMinimum: { holds: (order: number) => order > 0, words: "more than" },
  exclusiveMaximum: { holds: (order: number) => order < 0, words: "less than" },
} as const;

function rangeProblem(schema: ExactObject, value: ExactNumber, place: Place | null): Problem | null {
  for (const key of RANGES) {
    const limit = schema[key];
    const { holds, words } = RANGE_RULES[key];
    if (limit instanceof ExactNumber && !holds(value.compare(limit)))
      return { place, words: () => `must be ${words} ${String(limit)}` };
  }
  return null;
}

function typeName(value: ExactJson): string {
  if (value === null) return "null";
  if (value instanceof ExactNumber) return "number";
  return isList(value) ? "array" : typeof value;
}

/** As in `$.orders[2].amount`: a long one by its end, which names what is wrong. */
function placeText(place: Place | null): string {
  const parts: string[] = [];
  for (let at = place; at !== null; at = at.parent)
    parts.push(typeof at.key === "number" ? `[${at.key}]` : `.${at.key.slice(0, 100)}`);
  const text = `$${parts.reverse().join("")}`;
  return text.length <= 200 ? text : `…${text.slice(-200)}`;
}

/** As JSON, and no more of it than a message has room for: a schema may hold a list of a million values. */
function textOf(value: ExactJson, room = MAX_WORDS): string {
  if (value instanceof ExactNumber) return String(value);
  if (isList(value)) return `[${joined(value, room, textOf)}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const memberText = (name: string, left: number): string =>
    `${JSON.stringify(name)}:${textOf(value[name] ?? null, left)}`;
  return `{${joined(Object.keys(value), room, memberText)}}`;
}

function joined<Item>(
  items: readonly Item[],
  room: number,
  write: (item: Item, left: number) => string,
): string {
  const texts: string[] = [];
  let left = room;
  for (const item of items) {
    if (left < 0) break;
    const text = write(item, left);
    texts.push(text);
    left -= text.length + 1;
  }
  return texts.join(",");
}
