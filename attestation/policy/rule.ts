import * as z from "zod";
import { fromHex } from "../../protocol/bytes.ts";
import { AppraisalError, type AppraisalErrorCode, type ErrorDetails } from "../../protocol/errors.ts";
import type { DstackEvent } from "../dstack/event-log.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import type { EvidenceKind, VerifiedEvidence } from "../evidence/verified-evidence.ts";

/** What an appraisal needs besides evidence and policy. */
export interface AppraisalContext {
  /** When the result is relied on, in seconds. */
  readonly now: UnixSeconds;
  /** The guest's own event log, for policies that read it; null where there is none. */
  readonly eventLog: readonly DstackEvent[] | null;
  /** The policy's other demands on this kind: what one rule establishes, another may rest on. */
  readonly section: Readonly<Record<string, unknown>>;
}

/** One line of a policy: its form on disk, what it demands, and what it would say of evidence that someone wants to accept. */
export interface Rule<Kind extends EvidenceKind, Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  /** @returns what was relied on, for a person; throws AppraisalError where the demand is not met */
  // Methods, not properties: a table holds rules of many schemas, each of which is given its own demand only.
  appraise(evidence: VerifiedEvidence<Kind>, demand: z.infer<Schema>, context: AppraisalContext): string;
  /** The narrowest demand that `evidence` meets and that makes sense to keep. */
  propose(evidence: VerifiedEvidence<Kind>): z.input<Schema>;
  /** Version of policies that first had this rule, where that is not 1: older files say nothing of it, and leave it open. */
  readonly since?: 2 | 3;
  /** The meaning of an absent rule in older files, where that is not `{"acceptAny": true}`. */
  readonly open?: z.input<Schema>;
  /** The value that the rule compares, where it is one value: for combinations. */
  read?(evidence: VerifiedEvidence<Kind>): string | number | null;
}

/** Rules of one kind, by the name that they have in the policy, in the order in which they are applied. */
export type RuleTable<Kind extends EvidenceKind> = Readonly<Record<string, Rule<Kind>>>;

/** Not checking something is a decision that a reviewer can search for. */
export const acceptAny = z.strictObject({ acceptAny: z.literal(true) });

const ACCEPT_ANY = { acceptAny: true } as const;

/** Whether a demand is `{"acceptAny": true}`. */
export function acceptsAny(demand: unknown): boolean {
  return typeof demand === "object" && demand !== null && "acceptAny" in demand;
}

/** Whether a demand accepts what nothing establishes: `{"acceptAny": true}`, or by a word such as `acceptUnknown`. */
export function isOpenDemand(demand: unknown): boolean {
  return acceptsAny(demand) || (typeof demand === "string" && demand.startsWith("accept"));
}

/** A finding that nothing establishes, or that speaks against the evidence, and that the policy accepts all the same. */
export function acceptedUnestablished(what: string): string {
  return `${what} (accepted)`;
}

/** Whether what a rule found was left open by the policy: "unknown (accepted)", "on (any accepted)". */
export function isLeftOpen(demand: unknown, detail: string): boolean {
  return acceptsAny(demand) || detail.endsWith("accepted)");
}

/** Most values in one list of a policy. */
const MAX_VALUES = 4096;

export function refusal(code: AppraisalErrorCode, message: string, details: ErrorDetails): AppraisalError {
  return new AppraisalError({ code, message, details });
}

export interface ClaimRuleOptions<Kind extends EvidenceKind, Value> {
  /** Its name in messages. */
  readonly claim: string;
  readonly code: AppraisalErrorCode;
  /** null: this evidence does not make the claim, and only `acceptAny` accepts it. */
  readonly read: (evidence: VerifiedEvidence<Kind>) => Value | null;
  /** Whether `--init-policy` pins what it saw. */
  readonly propose: "observed" | "acceptAny";
}

/** A rule that policies have since version 2. */
export function sinceVersion2<R extends object>(rule: R): R & { readonly since: 2 } {
  return { ...rule, since: 2 };
}

/** `{"oneOf": […]}`, or `{"acceptAny": true}`. */
export function oneOfRule<Kind extends EvidenceKind, Value extends string | number>(
  value: z.ZodType<Value>,
  { claim, code, read, propose }: ClaimRuleOptions<Kind, Value>,
) {
  const schema = z.union([z.strictObject({ oneOf: z.array(value).min(1).max(MAX_VALUES) }), acceptAny]);
  return {
    schema,
    read,
    appraise: (evidence, demand) => {
      const actual = read(evidence);
      const shown = actual === null ? "absent" : String(actual);
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      if (actual === null || !demand.oneOf.includes(actual)) {
        throw refusal(code, `${claim} is not one that the policy accepts`, {
          claim,
          actual: shown,
          listed: demand.oneOf.length,
          ...(demand.oneOf.length === 1 ? { expected: String(demand.oneOf[0]) } : {}),
        });
      }
      return shown;
    },
    propose: (evidence) => {
      const actual = read(evidence);
      return propose === "acceptAny" || actual === null ? ACCEPT_ANY : { oneOf: [actual] };
    },
  } as const satisfies Rule<Kind, typeof schema>;
}

/** Lower-case 0x hex of `bytes` bytes; null is any length. */
export function hexValue(bytes: number | null): z.ZodType<`0x${string}`> {
  const digits = bytes === null ? "(?:[0-9a-f]{2})*" : `[0-9a-f]{${2 * bytes}}`;
  return z.string().regex(new RegExp(`^0x${digits}$`)) as unknown as z.ZodType<`0x${string}`>;
}

/** `{"atLeast": n}` or `{"atMost": n}`, or `{"acceptAny": true}`. */
export function boundRule<Kind extends EvidenceKind>(
  bound: "atLeast" | "atMost",
  { claim, code, read, propose }: ClaimRuleOptions<Kind, number>,
) {
  const schema = z.union([z.strictObject({ [bound]: z.int().min(0) }), acceptAny]);
  return {
    schema,
    appraise: (evidence, demand) => {
      const actual = read(evidence);
      const shown = actual === null ? "absent" : String(actual);
      const limit = (demand as Readonly<Record<string, number | undefined>>)[bound];
      if (limit === undefined) return `${shown} (any accepted)`;
      const isMet = actual !== null && (bound === "atLeast" ? actual >= limit : actual <= limit);
      if (!isMet) {
        throw refusal(code, `${claim} is beyond the policy's bound`, {
          claim,
          actual: shown,
          [bound]: limit,
        });
      }
      return shown;
    },
    propose: (evidence) => {
      const actual = read(evidence);
      return propose === "acceptAny" || actual === null ? ACCEPT_ANY : { [bound]: actual };
    },
  } as const satisfies Rule<Kind, typeof schema>;
}

export interface ComponentsRuleOptions<Kind extends EvidenceKind> {
  readonly claim: string;
  readonly code: AppraisalErrorCode;
  readonly read: (evidence: VerifiedEvidence<Kind>) => `0x${string}`;
}

/** Security versions, one in each byte, of which every component must reach the policy's. */
export function componentsRule<Kind extends EvidenceKind>(
  bytes: number,
  { claim, code, read }: ComponentsRuleOptions<Kind>,
) {
  const schema = z.union([z.strictObject({ componentsAtLeast: hexValue(bytes) }), acceptAny]);
  return {
    schema,
    appraise: (evidence, demand) => {
      const actual = read(evidence);
      if ("acceptAny" in demand) return `${actual} (any accepted)`;
      const { componentsAtLeast } = demand;
      const components = fromHex(actual);
      if (!fromHex(componentsAtLeast).every((minimum, index) => (components[index] as number) >= minimum)) {
        const details = { claim, actual, componentsAtLeast };
        throw refusal(code, `${claim} has a component below the policy's minimum`, details);
      }
      return actual;
    },
    propose: (evidence) => ({ componentsAtLeast: read(evidence) }),
  } as const satisfies Rule<Kind, typeof schema>;
}
