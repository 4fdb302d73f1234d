import { fromHex, toHex } from "../../protocol/bytes.ts";
import { EvidenceError } from "../../protocol/errors.ts";
import { isAllZero, readField } from "../encoding/layout.ts";
import { TD_REPORT_BODY } from "./quote-layout.ts";
import type { ComponentStatus } from "./tcb-status.ts";
import type { TcbInfo, TdxModuleIdentity } from "./tcb-info.ts";

/** The TDX module that measured the TD, by Intel's list of its own. */
export interface TdxModuleFinding {
  readonly status: ComponentStatus;
  readonly advisories: readonly string[];
  /** `TDX_03` for module version 3; null for version 0, which TCB levels themselves judge. */
  readonly id: string | null;
}

/**
 * Identifies the TDX module by MRSIGNERSEAM and SEAMATTRIBUTES and finds its status (QVL 4.1.2.4.11 and
 * checkTdxModuleTcbStatus). Byte 1 of TEE_TCB_SVN is the module's version, byte 0 its ISVSVN.
 *
 * @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH: signed by nobody whom Intel lists
 */
export function verifyTdxModule(body: Uint8Array, info: TcbInfo): TdxModuleFinding {
  const [isvSvn = 0, version = 0] = readField(body, TD_REPORT_BODY.teeTcbSvn);
  const identity = version === 0 ? null : findModuleIdentity(info, version);
  const expected = identity ?? info.tdxModule;
  const mrSignerSeam = toHex(readField(body, TD_REPORT_BODY.mrSignerSeam));
  const seamAttributes = readField(body, TD_REPORT_BODY.seamAttributes);
  // QVL compares without the mask and asks for zeros as well; a debug SEAM would show here.
  const matches =
    expected !== null &&
    mrSignerSeam === expected.mrsigner &&
    isAllZero(seamAttributes) &&
    isAllZero(fromHex(expected.attributes));
  if (!matches) throw moduleMismatch(version, mrSignerSeam);
  if (identity === null) return { status: "UpToDate", advisories: [], id: null };
  const level = identity.tcbLevels.find(({ tcb }) => isvSvn >= tcb.isvsvn);
  return {
    status: level?.tcbStatus ?? "NotSupported",
    advisories: level?.advisoryIDs ?? [],
    id: identity.id,
  };
}

/** @throws {EvidenceError} EVIDENCE_BINDING_MISMATCH */
export function findModuleIdentity(info: TcbInfo, version: number): TdxModuleIdentity {
  const id = `TDX_${toHex(Uint8Array.of(version)).slice(2).toUpperCase()}`;
  const identity = (info.tdxModuleIdentities as readonly TdxModuleIdentity[]).find(
    (item) => item.id.toUpperCase() === id,
  );
  if (identity === undefined) throw moduleMismatch(version, null);
  return identity;
}

function moduleMismatch(version: number, mrSignerSeam: string | null): EvidenceError {
  return new EvidenceError({
    code: "EVIDENCE_BINDING_MISMATCH",
    message: "the TDX module is not one that the TCB info lists",
    details: { version, mrSignerSeam },
  });
}
