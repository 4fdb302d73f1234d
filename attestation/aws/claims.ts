import { toHex, type Hex } from "../../protocol/bytes.ts";
import type { NitroDocument } from "./nitro-document.ts";

/** A Nitro attestation document, in AWS's words. */
export interface NitroClaims {
  readonly moduleId: string;
  readonly digest: "SHA384";
  /** Milliseconds since 1970, by the hypervisor's clock. */
  readonly timestamp: number;
  /** By index: "0" to "31". */
  readonly pcrs: Readonly<Record<string, Hex>>;
  readonly publicKey: Hex | null;
  readonly userData: Hex | null;
  readonly nonce: Hex | null;
}

/** A document of an EC2 instance with a NitroTPM: the same fields, and the TPM's PCRs. */
export interface NitroTpmClaims extends NitroClaims {
  /** AWS's hypervisor isolates the instance and can read its memory; nothing encrypts that against it. */
  readonly memory: "readable-by-the-host";
}

export function toNitroTpmClaims(document: NitroDocument): NitroTpmClaims {
  return { ...toNitroClaims(document), memory: "readable-by-the-host" };
}

export function toNitroClaims(document: NitroDocument): NitroClaims {
  const toHexOrNull = (bytes: Uint8Array | null): Hex | null => (bytes === null ? null : toHex(bytes));
  return {
    moduleId: document.moduleId,
    digest: document.digest,
    timestamp: document.timestamp,
    pcrs: Object.fromEntries([...document.pcrs].map(([index, value]) => [String(index), toHex(value)])),
    publicKey: toHexOrNull(document.publicKey),
    userData: toHexOrNull(document.userData),
    nonce: toHexOrNull(document.nonce),
  };
}
