import type { Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import type { SnpClaims } from "../amd/claims.ts";
import type { NitroClaims, NitroTpmClaims } from "../aws/claims.ts";
import type { AzureSnpClaims, AzureTdxClaims } from "../azure/claims.ts";
import type {
  DstackClaims,
  DstackNitroClaims,
  DstackNitroTpmClaims,
  DstackSnpClaims,
} from "../dstack/claims.ts";
import type { SgxClaims, TcbStatus, TdxClaims } from "../intel/claims.ts";
import type { NvidiaClaims } from "../nvidia/claims.ts";
import type { TimeWindow, UnixSeconds } from "../time/unix-time.ts";

/** Claims of each kind of evidence, in the vendor's words, bytes as hex: what `--json` prints and policies compare. */
export interface ClaimsByKind {
  readonly sgx: SgxClaims;
  readonly tdx: TdxClaims;
  readonly snp: SnpClaims;
  readonly nitro: NitroClaims;
  readonly nitroTpm: NitroTpmClaims;
  readonly nvidia: NvidiaClaims;
  readonly azureSnp: AzureSnpClaims;
  readonly azureTdx: AzureTdxClaims;
  readonly dstack: DstackClaims;
  readonly dstackSnp: DstackSnpClaims;
  readonly dstackNitro: DstackNitroClaims;
  readonly dstackNitroTpm: DstackNitroTpmClaims;
  readonly simulator: TdxClaims;
}

export type EvidenceKind = keyof ClaimsByKind;

/** Which link of the chain from the hardware to the model's provider a check belongs to. */
export type Link = "hardware" | "evidence" | "keyset" | "answer" | "transcript" | "provider";

/** Bytes of the evidence, `until` not among them. */
export interface ByteRange {
  readonly from: number;
  readonly until: number;
}

/** The values that a check compares: known before its outcome is. */
export interface CheckSubject {
  readonly name: string;
  readonly link?: Link;
  /** What with what, in words. */
  readonly compared?: string;
  /** Where in the evidence it stands. */
  readonly range?: ByteRange;
}

/** One thing that was established, for a person to read. A check that fails is an error, never an entry here. */
export interface Check extends CheckSubject {
  readonly ok: true;
  /** `holds` where it is left out. */
  readonly state?: "holds" | "left open" | "as seen" | "on its word";
  readonly detail: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface Findings<Kind extends EvidenceKind> {
  readonly kind: Kind;
  readonly claims: ClaimsByKind[Kind];
  /** Whether the host can read the memory of what was measured; null where nothing in the evidence establishes it. */
  readonly debug: boolean | null;
  /** The data that the attester bound to the evidence: 64 bytes (SGX, TDX, SNP), or the vendor's counterpart; null for none. */
  readonly reportData: Hex | null;
  /** Which chip: PPID or CHIP_ID; null where the vendor names none. */
  readonly platformId: Hex | null;
  /** Intel's word for the platform; null for vendors that have none. */
  readonly tcbStatus: TcbStatus | null;
  readonly advisories: readonly string[];
  /** When all endorsements relied on are in date: latest thisUpdate to earliest nextUpdate. */
  readonly window: TimeWindow;
  /** The evidence's own time, where it has one (Nitro). */
  readonly issuedAt: UnixSeconds | null;
  /** The time that it was judged at: the caller's `now`. */
  readonly verifiedAt: UnixSeconds;
  readonly checks: readonly Check[];
}

declare const genuine: unique symbol;

/** The brand. Named, so that declaration files can say what carries it. */
export interface Genuine<Kind extends EvidenceKind> {
  readonly [genuine]: Kind;
}

/**
 * Evidence that is genuine: made by the vendor's hardware, by a chain of signatures to a pinned root, all in date at
 * `verifiedAt`. It says nothing about whether its claims are acceptable: `appraiseEvidence` does, and anyone can own
 * genuine hardware.
 */
export type VerifiedEvidence<Kind extends EvidenceKind = EvidenceKind> = {
  readonly [K in Kind]: Findings<K> & Genuine<K>;
}[Kind];

/** Every object made by `sealVerified`: a look-alike, cast or parsed from JSON, is not in it. */
const sealed = new WeakSet();

/** Claims are plain objects, arrays, strings and numbers; what was verified cannot be edited afterwards. */
function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) freezeDeep(inner);
  return Object.freeze(value);
}

/** The one place where verified evidence is made. Only the verifier of a kind calls it, as its last step. */
export function sealVerified<Kind extends EvidenceKind>(findings: Findings<Kind>): VerifiedEvidence<Kind> {
  const verified = Object.freeze({
    ...findings,
    claims: freezeDeep(findings.claims),
    advisories: Object.freeze([...findings.advisories]),
    checks: Object.freeze([...findings.checks]),
  });
  sealed.add(verified);
  return verified as unknown as VerifiedEvidence<Kind>;
}

/**
 * Refuses an object that `sealVerified` did not make, whatever its type says.
 *
 * @throws {InputError} INPUT_INVALID
 */
export function checkSealed(evidence: VerifiedEvidence): void {
  if (!sealed.has(evidence)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: "this is not verified evidence: only verifyEvidence and its siblings make it",
    });
  }
}
