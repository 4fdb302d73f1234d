/** What the test calls in the browser: nothing but `adyton/attestation`, as its user would import it. */

import * as attestation from "../../attestation/index.ts";
import { fromBase64 } from "../../attestation/x509/pem.ts";

export interface BrowserTask {
  /** Base64. */
  readonly evidence: string;
  /** QuoteCollateralV3, where the kind needs it. */
  readonly collateral: unknown;
  readonly now: number;
}

export interface BrowserVerdict {
  readonly kind: string;
  readonly tcbStatus: string | null;
  readonly claims: string;
  readonly error: string | null;
}

async function judge({ evidence, collateral, now }: BrowserTask): Promise<BrowserVerdict> {
  try {
    const endorsements = collateral === null ? {} : { intel: attestation.parseIntelEndorsements(collateral) };
    const verified = await attestation.verifyEvidence(fromBase64(evidence), endorsements, { now });
    const { kind, tcbStatus, claims } = verified;
    return { kind, tcbStatus, claims: JSON.stringify(claims), error: null };
  } catch (error) {
    return {
      kind: "",
      tcbStatus: null,
      claims: "",
      error: String((error as { readonly code?: unknown }).code),
    };
  }
}

// All of it, so that the size measured is that of the whole interface.
Object.assign(globalThis, { judge, attestation });
