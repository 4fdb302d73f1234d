import type { Hex } from "../../protocol/bytes.ts";
import type { SnpClaims } from "../amd/claims.ts";
import type { TdxClaims } from "../intel/claims.ts";

/** What the vTPM of an Azure confidential VM quoted, and what the paravisor said of the VM. */
export interface VtpmClaims {
  /** SHA-256 bank, the quoted indices: "0" to "23". */
  readonly pcrs: Readonly<Record<string, Hex>>;
  /** Qualifying data of the quote: the caller's nonce, or a hash of what it binds. */
  readonly extraData: Hex;
  /** Runtime claims, which REPORT_DATA is the hash of. */
  readonly userData: string | null;
  readonly secureBoot: boolean | null;
  readonly vmUniqueId: string | null;
}

export interface AzureSnpClaims {
  readonly hardware: SnpClaims;
  readonly vtpm: VtpmClaims;
}

export interface AzureTdxClaims {
  readonly hardware: TdxClaims;
  readonly vtpm: VtpmClaims;
}
