/**
 * Policies as they stand on disk, of every version. A file that was right when it was written stays right: a kind of
 * evidence that it does not name is refused, and a rule that came after its version is left open, as it was then.
 */

import type { InputError } from "../../protocol/errors.ts";
import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { findUnfounded } from "./foundations.ts";
import { describeMisfit, shorten } from "./misfit.ts";
import { nearest } from "./nearest.ts";
import { appraisalPolicySchema, piecesSchema, RULES, type AppraisalPolicy } from "./policy.ts";
import { parsePolicyJson, policyFault } from "./policy-json.ts";
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
  return parseAppraisalPolicy(parsePolicyJson(file, name), name);
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
  const pieces = readPieces(file["pieces"] ?? (version === 1 ? "all" : undefined), name);
  for (const [kind, section] of sections) {
    const unfounded = findUnfounded(kind, section);
    if (unfounded !== undefined) throw fault(name, `${kind}.${unfounded.rule}`, unfounded.message);
  }
  // Every part has been read by its own schema: this gives them their type.
  return appraisalPolicySchema.parse({ version, pieces, ...Object.fromEntries(sections) });
}

function readPieces(value: unknown, name: string): AppraisalPolicy["pieces"] {
  if (value === undefined)
    throw fault(name, "pieces", `pieces is missing: write "all", or {"needs": [kinds]}`);
  const parsed = piecesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { place, message } = describeMisfit({
    schema: piecesSchema,
    error: parsed.error,
    value,
    path: "pieces",
  });
  throw fault(name, place, message, parsed.error);
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
    const { place, message } = describeMisfit({ schema, error: parsed.error, value: demand, path });
    throw fault(name, place, message, parsed.error);
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

function toObject(value: unknown, name: string, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw fault(name, path, `${path === "" ? "it" : path} must be a JSON object`);
}

function fault(name: string, path: string, what: string, cause?: unknown): InputError {
  return policyFault({ name, path }, what, cause);
}
