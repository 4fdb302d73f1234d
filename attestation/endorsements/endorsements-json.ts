import * as z from "zod";
import { fromHex, toHex, type Hex } from "../../protocol/bytes.ts";
import { EndorsementError } from "../../protocol/errors.ts";
import { bytesHex } from "../../protocol/fields.ts";
import type { EndorsementsJson } from "../../protocol/receipt.ts";
import { parseAmdEndorsements, type AmdEndorsementFiles } from "../amd/amd-endorsements.ts";
import type { Endorsements } from "./endorsements.ts";
import { intelCollateralSchema, parseIntelEndorsements } from "../intel/intel-endorsements.ts";

/** The form in which receipts carry endorsements: one member per vendor, each optional, no other. */
const EndorsementsFile = z.strictObject({
  /** QuoteCollateralV3. */
  intel: intelCollateralSchema.strict().optional(),
  amd: z
    .strictObject({ certificates: z.array(bytesHex).max(16), crls: z.array(bytesHex).max(16) })
    .optional(),
});

type AmdJson = { readonly [Kind in keyof AmdEndorsementFiles]: readonly Hex[] };

function toFiles({ certificates, crls }: AmdJson): AmdEndorsementFiles {
  return { certificates: certificates.map((hex) => fromHex(hex)), crls: crls.map((hex) => fromHex(hex)) };
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
  const { intel, amd } = file.data;
  return {
    ...(intel === undefined ? {} : { intel: parseIntelEndorsements(intel) }),
    ...(amd === undefined ? {} : { amd: parseAmdEndorsements(toFiles(amd)) }),
  };
}

/** The form in which a receipt carries `endorsements`; `parseEndorsements` reads it back. */
export function encodeEndorsements({ intel, amd }: Endorsements): EndorsementsJson {
  const toHexAll = (all: readonly { readonly der: Uint8Array }[]): Hex[] => all.map(({ der }) => toHex(der));
  return {
    ...(intel === undefined ? {} : { intel: intel.collateral }),
    ...(amd === undefined
      ? {}
      : { amd: { certificates: toHexAll(amd.certificates), crls: toHexAll(amd.crls) } }),
  };
}
