/**
 * PCR4, PCR7 and PCR12 of an EC2 machine with NitroTPM that starts a unified kernel image, in the SHA-384 bank, without Secure Boot.
 * Source: TCG PC Client Platform Firmware Profile 1.06 §3.3.4.5 (PCR4), §3.3.4.8 (PCR7); systemd-stub before 258, which loads the
 * kernel through the firmware, so that it is measured too.
 */

import { concatBytes, toUtf8 } from "../protocol/bytes.ts";
import { extendAll, sha384 } from "./digest.ts";
import { authenticodeDigest } from "./pe.ts";
import { guidBytes } from "./snp-firmware.ts";
import { readUki } from "./uki.ts";

export interface NitroTpmPcrs {
  readonly pcr4: Uint8Array;
  readonly pcr7: Uint8Array;
  /** Zero: a command line from outside the image would be extended here. */
  readonly pcr12: Uint8Array;
}

const EFI_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const IMAGE_SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const SEPARATOR = sha384(new Uint8Array(4));

export function nitroTpmPcrs(uki: Uint8Array): NitroTpmPcrs {
  const { kernel } = readUki(uki);
  return {
    pcr4: extendAll([
      sha384(toUtf8("Calling EFI Application from Boot Option")),
      SEPARATOR,
      authenticodeDigest(uki, "sha384"),
      authenticodeDigest(kernel, "sha384"),
    ]),
    pcr7: extendAll([
      variable(EFI_GLOBAL, "SecureBoot", Uint8Array.of(0)),
      variable(EFI_GLOBAL, "PK"),
      variable(EFI_GLOBAL, "KEK"),
      variable(IMAGE_SECURITY, "db"),
      variable(IMAGE_SECURITY, "dbx"),
      SEPARATOR,
    ]),
    pcr12: new Uint8Array(48),
  };
}

/** UEFI_VARIABLE_DATA, §10.2.6. */
function variable(guid: string, name: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const lengths = Buffer.alloc(16);
  lengths.writeBigUInt64LE(BigInt(name.length), 0);
  lengths.writeBigUInt64LE(BigInt(data.length), 8);
  return sha384(concatBytes(guidBytes(guid), new Uint8Array(lengths), Buffer.from(name, "utf16le"), data));
}
