/** Rules that mean the same for every kind. */

import * as z from "zod";
import type { TcbStatus } from "../intel/claims.ts";
import { toIsoTime } from "../time/unix-time.ts";
import type { EvidenceKind } from "../evidence/verified-evidence.ts";
import { acceptAny, acceptedUnestablished, hexValue, oneOfRule, refusal, type Rule } from "./rule.ts";

const DEBUG_WORDS = { true: "on", false: "off", null: "unknown" } as const;
type DebugWord = keyof typeof DEBUG_WORDS;

/**
 * Debug lets the host read what should be confidential. `acceptUnknown`: refused where debug is on, and accepted where
 * nothing in the evidence says whether it is, as with NVIDIA devices.
 */
export function debugRule<Kind extends EvidenceKind>() {
  const schema = z.enum(["refuse", "acceptUnknown", "acceptForTesting"]);
  return {
    schema,
    appraise: (evidence, demand) => {
      const { debug, kind } = evidence;
      const word = DEBUG_WORDS[String(debug) as DebugWord];
      if (demand === "acceptForTesting") return `${word} (any accepted)`;
      if (debug === true) {
        throw refusal("APPRAISAL_DEBUG_ENABLED", "the host can read this environment's memory: debug is on", {
          kind,
        });
      }
      if (debug === null && demand === "refuse") {
        throw refusal(
          "APPRAISAL_DEBUG_UNKNOWN",
          'nothing in this evidence establishes that debug is off: "acceptUnknown" would accept that',
          { kind },
        );
      }
      return debug === null ? acceptedUnestablished(word) : word;
    },
    propose: ({ debug }) => (debug === null ? "acceptUnknown" : "refuse"),
  } as const satisfies Rule<Kind, typeof schema>;
}

/** `Revoked` and `NotSupported` are not among them: nothing can accept those. */
const ACCEPTABLE_STATUSES = [
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "TDRelaunchAdvised",
  "TDRelaunchAdvisedConfigurationNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
] as const satisfies readonly TcbStatus[];

/** Intel's verdict on the platform. */
export function tcbStatusRule<Kind extends EvidenceKind>() {
  const schema = z.array(z.enum(ACCEPTABLE_STATUSES)).min(1);
  return {
    schema,
    appraise: (evidence, demand) => {
      const { tcbStatus } = evidence;
      const accepted = demand.find((status) => status === tcbStatus);
      if (accepted === undefined) {
        throw refusal(
          "APPRAISAL_TCB_UNACCEPTABLE",
          `the policy does not accept the TCB status ${tcbStatus}`,
          { tcbStatus },
        );
      }
      return accepted;
    },
    propose: (evidence) => {
      const observed = ACCEPTABLE_STATUSES.find((status) => status === evidence.tcbStatus);
      return observed === undefined || observed === "UpToDate" ? ["UpToDate"] : ["UpToDate", observed];
    },
  } as const satisfies Rule<Kind, typeof schema>;
}

/** Which of the vendor's open advisories are lived with: every other one refuses. */
export function advisoriesRule<Kind extends EvidenceKind>() {
  const schema = z.union([z.strictObject({ noneBut: z.array(z.string().max(64)).max(4096) }), acceptAny]);
  return {
    schema,
    appraise: (evidence, demand) => {
      const shown = evidence.advisories.length === 0 ? "none" : evidence.advisories.join(", ");
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      const open = evidence.advisories.find((advisory) => !demand.noneBut.includes(advisory));
      if (open !== undefined) {
        throw refusal("APPRAISAL_ADVISORY_UNACCEPTABLE", `the policy does not accept advisory ${open}`, {
          advisory: open,
        });
      }
      return shown;
    },
    propose: (evidence) => ({ noneBut: [...evidence.advisories] }),
  } as const satisfies Rule<Kind, typeof schema>;
}

/** The answer to physical attacks: only chips whose place is known. */
export function platformIdsRule<Kind extends EvidenceKind>() {
  return oneOfRule<Kind, `0x${string}`>(hexValue(null), {
    claim: "platformId",
    code: "APPRAISAL_PLATFORM_UNKNOWN",
    read: ({ platformId }) => platformId,
    propose: "observed",
  });
}

/** Fixed values; where each verification has a nonce of its own, `checkReportData` compares it. */
export function reportDataRule<Kind extends EvidenceKind>() {
  return oneOfRule<Kind, `0x${string}`>(hexValue(null), {
    claim: "reportData",
    code: "APPRAISAL_REPORT_DATA_MISMATCH",
    read: ({ reportData }) => reportData,
    propose: "acceptAny",
  });
}

/**
 * How old evidence may be when it is relied on: since its own time where it has one (Nitro), else since it was
 * verified. The endorsements it was judged with must still be in date then.
 */
export function freshnessRule<Kind extends EvidenceKind>() {
  const schema = z.union([z.strictObject({ maxAgeSeconds: z.int().min(0) }), acceptAny]);
  return {
    schema,
    appraise: (evidence, demand, { now }) => {
      if ("acceptAny" in demand) return "any age accepted";
      const since = evidence.issuedAt ?? evidence.verifiedAt;
      const age = now - since;
      const isCurrent = age >= 0 && age <= demand.maxAgeSeconds && now <= evidence.window.until;
      if (!isCurrent) {
        throw refusal("APPRAISAL_STALE", "the evidence is older than the policy allows", {
          since: toIsoTime(since),
          now: toIsoTime(now),
          maxAgeSeconds: demand.maxAgeSeconds,
          endorsedUntil: toIsoTime(evidence.window.until),
        });
      }
      return `${age} s old`;
    },
    propose: () => ({ maxAgeSeconds: 86_400 }),
  } as const satisfies Rule<Kind, typeof schema>;
}
