import * as z from "zod";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import { bytesHex } from "../../protocol/fields.ts";
import type { EndorsementsJson } from "../../protocol/receipt.ts";
import { parseAmdEndorsements, type AmdEndorsementFiles } from "../amd/amd-endorsements.ts";
import type { Endorsements } from "./endorsements.ts";
import { parseNvidiaEndorsements } from "../nvidia/nvidia-endorsements.ts";
import {
  intelCollateralSchema,
  parseIntelEndorsements,
  type IntelCollateral,
} from "../intel/intel-endorsements.ts";

/** The form in which receipts carry endorsements: one member per vendor, each optional, no other. */
const EndorsementsFile = z.strictObject({
  /** QuoteCollateralV3. */
  intel: intelCollateralSchema.strict().optional(),
  amd: z
    .strictObject({ certificates: z.array(bytesHex).max(16), crls: z.array(bytesHex).max(16) })
    .optional(),
  nvidia: z.strictObject({ ocsp: z.array(bytesHex).max(256), crls: z.array(bytesHex).max(16) }).optional(),
});

const toBytesAll = (all: readonly Hex[]): Uint8Array[] => all.map((hex) => fromHex(hex));

type AmdJson = { readonly [Kind in keyof AmdEndorsementFiles]: readonly Hex[] };

function toFiles({ certificates, crls }: AmdJson): AmdEndorsementFiles {
  return { certificates: toBytesAll(certificates), crls: toBytesAll(crls) };
}

/**
 * Endorsements from their JSON form. Nothing about them is established before evidence is verified with them.
 *
 * @throws {EndorsementError} ENDORSEMENT_MALFORMED
 */
export function parseEndorsements(json: EndorsementsJson): Endorsements {
  const file = EndorsementsFile.safeParse(json);
  if (!file.success) {
    throw new EndorsementError({
      code: "ENDORSEMENT_MALFORMED",
      message: `endorsements: ${z.prettifyError(file.error)}`,
    });
  }
  const { intel, amd, nvidia } = file.data;
  return {
    ...(intel === undefined ? {} : { intel: parseIntelEndorsements(intel) }),
    ...(amd === undefined ? {} : { amd: parseAmdEndorsements(toFiles(amd)) }),
    ...(nvidia === undefined
      ? {}
      : {
          nvidia: parseNvidiaEndorsements({ ocsp: toBytesAll(nvidia.ocsp), crls: toBytesAll(nvidia.crls) }),
        }),
  };
}

/** The form in which a receipt carries `endorsements`; `parseEndorsements` reads it back. */
export function encodeEndorsements({ intel, amd, nvidia }: Endorsements): EndorsementsJson {
  const toHexAll = (all: readonly { readonly der: Uint8Array }[]): Hex[] => all.map(({ der }) => toHex(der));
  return {
    ...(intel === undefined ? {} : { intel: toCollateralJson(intel.collateral) }),
    ...(amd === undefined
      ? {}
      : { amd: { certificates: toHexAll(amd.certificates), crls: toHexAll(amd.crls) } }),
    ...(nvidia === undefined ? {} : { nvidia: { ocsp: toHexAll(nvidia.ocsp), crls: toHexAll(nvidia.crls) } }),
  };
}

/** An optional member is there or not, and never undefined: JSON has no word for that. */
function toCollateralJson({
  pck_certificate_chain: chain,
  ...collateral
}: IntelCollateral): EndorsementsJson {
  return chain === undefined ? collateral : { ...collateral, pck_certificate_chain: chain };
}
