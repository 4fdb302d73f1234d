import * as z from "zod";
import { malformedDocument, parseJsonDocument } from "./signed-json.ts";
import { dateField, hexField } from "./tcb-info.ts";

const uint16 = z.int().min(0).max(0xffff);

/** Most levels in one identity; Intel's have about 5. */
const MAX_LEVELS = 256;

/** Intel PCS API: Get QE Identity, version 2. `QVE` is another enclave and judges no quote. */
const qeIdentitySchema = z.object({
  id: z.enum(["QE", "TD_QE"]),
  version: z.literal(2),
  issueDate: dateField,
  nextUpdate: dateField,
  tcbEvaluationDataNumber: z.int().min(0),
  miscselect: hexField(4),
  miscselectMask: hexField(4),
  attributes: hexField(16),
  attributesMask: hexField(16),
  mrsigner: hexField(32),
  isvprodid: uint16,
  tcbLevels: z
    .array(
      z.object({
        tcb: z.object({ isvsvn: uint16 }),
        tcbDate: z.string(),
        tcbStatus: z.enum([
          "UpToDate",
          "ConfigurationNeeded",
          "OutOfDate",
          "OutOfDateConfigurationNeeded",
          "Revoked",
        ]),
        advisoryIDs: z.array(z.string().max(64)).max(MAX_LEVELS).default([]),
      }),
    )
    .min(1)
    .max(MAX_LEVELS),
});

export type QeIdentity = z.infer<typeof qeIdentitySchema>;

export interface SignedQeIdentity {
  readonly identity: QeIdentity;
  readonly signed: Uint8Array<ArrayBuffer>;
}

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED */
export function parseQeIdentity(text: string): SignedQeIdentity {
  const { signed, value } = parseJsonDocument("QE identity", text);
  const parsed = qeIdentitySchema.safeParse(value);
  if (!parsed.success)
    throw malformedDocument("QE identity", "is not of version 2 as Intel has it", parsed.error);
  return { identity: parsed.data, signed };
}
