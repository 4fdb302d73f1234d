import { EndorsementError } from "../../protocol/errors.ts";
import { readField } from "../encoding/layout.ts";
import type { TcbStatus } from "./claims.ts";
import type { IntelEndorsements } from "./intel-endorsements.ts";
import type { PckExtension } from "./pck-certificate.ts";
import { verifyQeIdentity, type QeFinding } from "./qe-report.ts";
import { TD_REPORT_BODY } from "./quote-layout.ts";
import type { Quote } from "./quote.ts";
import type { TcbInfo } from "./tcb-info.ts";
import { matchTcbLevels } from "./tcb-level.ts";
import { convergeTcbStatus } from "./tcb-status.ts";
import { adviseRelaunch } from "./td-relaunch.ts";
import { verifyTdxModule } from "./tdx-module.ts";

export interface TcbFinding {
  readonly status: TcbStatus;
  readonly advisories: readonly string[];
  readonly tcbDate: string | null;
  readonly qe: QeFinding;
  /** `TDX_03`, where a TDX module of its own identity measured the TD. */
  readonly tdxModule: string | null;
}

/**
 * Evaluates the platform against TCB info and QE identity as Intel's QVL does (checkTcbLevel): the level reached,
 * lowered by the TDX module's and the quoting enclave's own status.
 *
 * @throws {EndorsementError} ENDORSEMENT_MISMATCH when they are for another platform or TEE
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH when quoting enclave or TDX module are not Intel's
 */
export function evaluateTcb(quote: Quote, pck: PckExtension, endorsements: IntelEndorsements): TcbFinding {
  checkApplicable(quote, pck, endorsements);
  const qe = verifyQeIdentity(quote.qeReport, endorsements.qeIdentity);
  return quote.bodyType === "sgx"
    ? evaluateSgx(pck, endorsements.tcbInfo, qe)
    : evaluateTdx({ quote, pck, info: endorsements.tcbInfo, qe });
}

function evaluateSgx(pck: PckExtension, info: TcbInfo, qe: QeFinding): TcbFinding {
  const level = matchTcbLevels(info, pck, null).sgx;
  return {
    status: level === undefined ? "NotSupported" : convergeTcbStatus(level.tcbStatus, qe.status),
    advisories: union(level?.advisoryIDs, qe.advisories),
    tcbDate: level?.tcbDate ?? null,
    qe,
    tdxModule: null,
  };
}

interface TdxInput {
  readonly quote: Quote;
  readonly pck: PckExtension;
  readonly info: TcbInfo;
  readonly qe: QeFinding;
}

function evaluateTdx({ quote, pck, info, qe }: TdxInput): TcbFinding {
  const module = verifyTdxModule(quote.body, info);
  const { sgx, tdx } = matchTcbLevels(info, pck, readField(quote.body, TD_REPORT_BODY.teeTcbSvn));
  const finding = {
    advisories: union(tdx?.advisoryIDs, module.advisories, qe.advisories),
    tcbDate: tdx?.tcbDate ?? null,
    qe,
    tdxModule: module.id,
  };
  if (sgx === undefined || tdx === undefined) return { status: "NotSupported", ...finding };
  const converged = convergeTcbStatus(tdx.tcbStatus, module.status);
  // QVL returns at once for a revoked module: a newer quoting enclave does not mend it.
  if (converged === "Revoked" || converged === "NotSupported") return { status: converged, ...finding };
  const advised = adviseRelaunch({
    quote,
    info,
    sgx: sgx.tcbStatus,
    tdx: converged,
    module: module.status,
    qe: qe.status,
  });
  return { status: convergeTcbStatus(advised, qe.status), ...finding };
}

/** QVL 4.1.2.4.9, .10 and .14: for this TEE, this platform model and this PCE. */
function checkApplicable(quote: Quote, pck: PckExtension, { tcbInfo, qeIdentity }: IntelEndorsements): void {
  const tee = quote.bodyType === "sgx" ? "SGX" : "TDX";
  const expected = { tee, qe: tee === "SGX" ? "QE" : "TD_QE", fmspc: pck.fmspc, pceId: pck.pceId };
  const actual = { tee: tcbInfo.id, qe: qeIdentity.id, fmspc: tcbInfo.fmspc, pceId: tcbInfo.pceId };
  for (const name of ["tee", "qe", "fmspc", "pceId"] as const) {
    if (actual[name] !== expected[name]) {
      throw new EndorsementError({
        code: "ENDORSEMENT_MISMATCH",
        message: `the endorsements are for another platform: ${name} is ${actual[name]}, the quote's is ${expected[name]}`,
        details: { field: name, expected: expected[name], actual: actual[name] },
      });
    }
  }
}

function union(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))];
}
