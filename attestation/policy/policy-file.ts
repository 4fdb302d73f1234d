/**
 * Policies as they stand on disk, of every version. A file that was right when it was written stays right: a kind of
 * evidence that it does not name is refused, and a rule that came after its version is left open, as it was then.
 */

import * as z from "zod";
import { parseJson } from "../../protocol/canonical-json.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { findRepeatedMember } from "../../protocol/unique-members.ts";
import { withoutByteOrderMark } from "../evidence/json-evidence.ts";
import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { findUnfounded } from "./foundations.ts";
import { nearest } from "./nearest.ts";
import { appraisalPolicySchema, RULES, type AppraisalPolicy } from "./policy.ts";
import type { Rule } from "./rule.ts";

/** Where the schema of policy files is published; the package has it too. */
export const POLICY_SCHEMA_URL = "https://unpkg.com/adyton/docs/reference/policy.schema.json";

const KINDS = Object.keys(RULES) as EvidenceKind[];

/** Kinds of the first release, which files of version 1 have to name. */
const KINDS_OF_VERSION_1: readonly string[] = [
  "sgx",
  "tdx",
  "snp",
  "nitro",
  "nvidia",
  "azureSnp",
  "azureTdx",
  "dstack",
  "simulator",
];

const ACCEPT_ANY = { acceptAny: true } as const;
const REFUSE = { refuse: true } as const;

/**
 * A policy from the bytes of its file.
 *
 * @param name of the file, for messages
 * @throws {InputError} INPUT_INVALID, naming file, place and, for a word that is not known, the nearest one that is
 */
export function parsePolicyFile(file: Uint8Array, name = "the policy"): AppraisalPolicy {
  const bytes = withoutByteOrderMark(new Uint8Array(file));
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch (cause) {
    throw fault(name, "", "is not JSON", cause);
  }
  const repeated = findRepeatedMember(fromUtf8(bytes));
  if (repeated !== undefined) {
    throw fault(
      name,
      repeated,
      `"${repeated}" stands there twice: which of the two is meant, nobody can say`,
    );
  }
  return parseAppraisalPolicy(json, name);
}

/**
 * A policy from its JSON. A text should be read by `parsePolicyFile`: `JSON.parse` takes the last of two members of one name.
 *
 * @throws {InputError} as `parsePolicyFile`
 */
export function parseAppraisalPolicy(json: unknown, name = "the policy"): AppraisalPolicy {
  const file = toObject(json, name, "");
  const version = file["version"];
  if (version !== 1 && version !== 2 && version !== 3)
    throw fault(name, "version", `version is ${shorten(version)}: 1, 2 and 3 are known here`);
  checkNames(Object.keys(file), ["$schema", "version", "pieces", ...KINDS], { name, path: "" });
  const sections = KINDS.map((kind) => [kind, readSection(kind, file, { name, version })] as const);
  const pieces = file["pieces"] ?? (version === 1 ? "all" : undefined);
  if (pieces === undefined)
    throw fault(name, "pieces", `pieces is missing: write "all", or {"needs": [kinds]}`);
  const policy = { version, pieces, ...Object.fromEntries(sections) };
  const parsed = appraisalPolicySchema.safeParse(policy);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join(".") ?? "";
    throw fault(name, path, `${path} ${z.prettifyError(parsed.error).slice(0, 400)}`, parsed.error);
  }
  for (const [kind, section] of sections) {
    const unfounded = findUnfounded(kind, section);
    if (unfounded !== undefined) throw fault(name, `${kind}.${unfounded.rule}`, unfounded.message);
  }
  return parsed.data;
}

interface FileContext {
  readonly name: string;
  readonly version: 1 | 2 | 3;
}

function readSection(
  kind: EvidenceKind,
  file: Readonly<Record<string, unknown>>,
  { name, version }: FileContext,
): Readonly<Record<string, unknown>> {
  const given = file[kind];
  if (given === undefined) {
    if (version !== 1 || !KINDS_OF_VERSION_1.includes(kind)) return REFUSE;
    throw fault(name, kind, `${kind} is missing: name its rules, or write {"refuse": true}`);
  }
  const section = toObject(given, name, kind);
  if ("refuse" in section) {
    if (section["refuse"] === true && Object.keys(section).length === 1) return REFUSE;
    throw fault(name, kind, `${kind} is either {"refuse": true} and nothing else, or has rules`);
  }
  const rules = Object.entries(RULES[kind]) as [string, Rule<EvidenceKind>][];
  checkNames(
    Object.keys(section),
    rules.map(([rule]) => rule),
    { name, path: `${kind}.` },
  );
  const read = rules.map(([rule, { schema, since = 1, open = ACCEPT_ANY }]) => {
    const path = `${kind}.${rule}`;
    const demand = section[rule];
    if (demand === undefined && version < since) return [rule, open];
    if (demand === undefined)
      throw fault(name, path, `${path} is missing: what is not checked says {"acceptAny": true}`);
    const parsed = schema.safeParse(demand);
    if (parsed.success) return [rule, parsed.data];
    const wanted = describeForms(schema);
    throw fault(name, path, `${path} cannot be ${shorten(demand)}: it is ${wanted}`, parsed.error);
  });
  return Object.fromEntries(read) as Readonly<Record<string, unknown>>;
}

function checkNames(
  given: readonly string[],
  known: readonly string[],
  { name, path }: { readonly name: string; readonly path: string },
): void {
  const stranger = given.find((word) => !known.includes(word));
  if (stranger === undefined) return;
  const meant = nearest(stranger, known);
  const hint = meant === undefined ? `; known are ${known.join(", ")}` : `: did you mean ${path}${meant}?`;
  throw fault(name, `${path}${stranger}`, `${path}${stranger} is not known${hint}`);
}

/** The forms that a rule may have, as JSON: `{"oneOf": […]}` or `{"acceptAny": true}`. */
function describeForms(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonForm;
  const forms = (json.anyOf ?? [json]).map(describeForm);
  return forms.join(" or ");
}

interface JsonForm {
  readonly anyOf?: readonly JsonForm[];
  readonly properties?: Readonly<Record<string, JsonForm>>;
  readonly items?: JsonForm;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly type?: string;
}

function describeForm({ properties, items, enum: values, const: constant, pattern, type }: JsonForm): string {
  if (properties !== undefined) {
    const members = Object.entries(properties).map(([name, form]) => `"${name}": ${describeForm(form)}`);
    return `{${members.join(", ")}}`;
  }
  if (items !== undefined) return `[${describeForm(items)}, …]`;
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join("|");
  if (constant !== undefined) return JSON.stringify(constant);
  return pattern === undefined ? (type ?? "…") : `text as ${pattern}`;
}

function toObject(value: unknown, name: string, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw fault(name, path, `${path === "" ? "it" : path} must be a JSON object`);
}

function shorten(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function fault(name: string, path: string, what: string, cause?: unknown): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `${name}: ${what}`,
    details: { file: name, path: path === "" ? "its root" : path },
    cause,
  });
}
