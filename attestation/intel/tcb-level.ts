import type { PckExtension } from "./pck-certificate.ts";
import type { TcbInfo, TcbLevel } from "./tcb-info.ts";

/** The levels that a platform reaches: the first in Intel's order, which is from newest to oldest. */
export interface MatchedLevels {
  /** By SGX components and PCE alone. */
  readonly sgx: TcbLevel | undefined;
  /** By TDX components as well; undefined for SGX quotes. */
  readonly tdx: TcbLevel | undefined;
}

/**
 * Finds the platform's TCB levels (Intel PCS API, "Get TCB Info": how to determine the TCB status; QVL,
 * matchTcbLevels).
 *
 * @param teeTcbSvn the TD's SVNs, or null for an SGX quote
 */
export function matchTcbLevels(
  info: TcbInfo,
  pck: Pick<PckExtension, "sgxComponentSvns" | "pceSvn">,
  teeTcbSvn: Uint8Array | null,
): MatchedLevels {
  const reached = (info.tcbLevels as readonly TcbLevel[]).filter(
    ({ tcb }) => pck.pceSvn >= tcb.pceSvn && isAtLeast(pck.sgxComponentSvns, tcb.sgx, 0),
  );
  const tdx =
    teeTcbSvn === null
      ? undefined
      : reached.find(
          ({ tcb }) => tcb.tdx !== null && isAtLeast(teeTcbSvn, tcb.tdx, firstComparedSvn(teeTcbSvn)),
        );
  return { sgx: reached[0], tdx };
}

/** 16 bytes, by their layout. With a module version above 0, components 0 and 1 belong to the TDX module, whose own identity judges them. */
function firstComparedSvn(teeTcbSvn: Uint8Array): number {
  return (teeTcbSvn[1] as number) > 0 ? 2 : 0;
}

function isAtLeast(actual: ArrayLike<number>, required: readonly number[], from: number): boolean {
  return required.every((svn, index) => index < from || (actual[index] as number) >= svn);
}
