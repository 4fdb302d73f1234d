import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import type { UnixSeconds } from "../time/unix-time.ts";
import { malformedDocument, parseJsonDocument } from "./signed-json.ts";

/** Hex as Intel's JSON writes it, either case and no prefix, as ours. */
export function hexField(bytes: number): z.ZodType<Hex> {
  return z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`))
    .transform((text): Hex => `0x${text.toLowerCase()}`);
}

/** RFC 3339 in UTC with whole seconds, as Intel's JSON writes it. */
export const dateField: z.ZodType<UnixSeconds> = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  .transform((text) => Date.parse(text) / 1000)
  .refine((time) => Number.isFinite(time));

const svn = z.int().min(0).max(255);
const uint16 = z.int().min(0).max(0xffff);
const components = z.array(z.object({ svn })).length(16);

/** Statuses that Intel's TCB info may hold (QVL, VALID_TCB_INFO_STATUSES). */
const tcbStatus = z.enum([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
]);

/** Most levels in one list; Intel's have about 20. */
const MAX_LEVELS = 256;

const advisoryIDs = z.array(z.string().max(64)).max(MAX_LEVELS).default([]);
const level = { tcbStatus, tcbDate: z.string(), advisoryIDs };

const sgxComponentsV2 = z
  .object({ pcesvn: uint16 })
  .catchall(z.unknown())
  .transform((tcb, context) => {
    const parsed = z
      .array(svn)
      .length(16)
      .safeParse(
        Array.from({ length: 16 }, (_, index) => tcb[`sgxtcbcomp${String(index + 1).padStart(2, "0")}svn`]),
      );
    if (!parsed.success) {
      context.addIssue("TCB components are malformed");
      return z.NEVER;
    }
    return { pceSvn: tcb.pcesvn, sgx: parsed.data, tdx: null };
  });

const sgxComponentsV3 = z
  .object({ pcesvn: uint16, sgxtcbcomponents: components })
  .transform((tcb) => ({ pceSvn: tcb.pcesvn, sgx: tcb.sgxtcbcomponents.map((item) => item.svn), tdx: null }));

const tdxComponentsV3 = z
  .object({ pcesvn: uint16, sgxtcbcomponents: components, tdxtcbcomponents: components })
  .transform((tcb) => ({
    pceSvn: tcb.pcesvn,
    sgx: tcb.sgxtcbcomponents.map((item) => item.svn),
    tdx: tcb.tdxtcbcomponents.map((item) => item.svn),
  }));

const common = {
  issueDate: dateField,
  nextUpdate: dateField,
  fmspc: hexField(6),
  pceId: hexField(2),
  tcbEvaluationDataNumber: z.int().min(0),
};

const moduleIdentity = { mrsigner: hexField(48), attributes: hexField(8), attributesMask: hexField(8) };

const tdxModuleIdentity = z.object({
  id: z.string().max(32),
  ...moduleIdentity,
  tcbLevels: z
    .array(
      z.object({
        tcb: z.object({ isvsvn: svn }),
        tcbStatus: z.enum(["UpToDate", "OutOfDate", "Revoked"]),
        tcbDate: z.string(),
        advisoryIDs,
      }),
    )
    .max(MAX_LEVELS),
});

export type TdxModuleIdentity = z.infer<typeof tdxModuleIdentity>;

/** `{tcb, …}[]` under each of the three forms of a level's components. */
const levels = <Tcb extends z.ZodType>(tcb: Tcb) =>
  z
    .array(z.object({ tcb, ...level }))
    .min(1)
    .max(MAX_LEVELS);

/** Intel PCS API: Get TCB Info, version 2 (SGX, no id), version 3 (id SGX or TDX). */
const tcbInfoV2 = z
  .object({ version: z.literal(2), tcbType: z.literal(0), ...common, tcbLevels: levels(sgxComponentsV2) })
  .transform((info) => ({ ...info, id: "SGX" as const, tdxModule: null, tdxModuleIdentities: [] }));

const tcbInfoV3Sgx = z
  .object({
    version: z.literal(3),
    id: z.literal("SGX"),
    tcbType: z.literal(0),
    ...common,
    tcbLevels: levels(sgxComponentsV3),
  })
  .transform((info) => ({ ...info, tdxModule: null, tdxModuleIdentities: [] }));

const tcbInfoV3Tdx = z.object({
  version: z.literal(3),
  id: z.literal("TDX"),
  tcbType: z.literal(0),
  ...common,
  tdxModule: z.object(moduleIdentity),
  tdxModuleIdentities: z.array(tdxModuleIdentity).max(MAX_LEVELS).default([]),
  tcbLevels: levels(tdxComponentsV3),
});

const forms = { v2: tcbInfoV2, sgx: tcbInfoV3Sgx, tdx: tcbInfoV3Tdx };

/** The fields that tell the three forms apart; a union would try each in turn, and report the faults of all three. */
const formSchema = z
  .object({ version: z.number(), id: z.string().optional() })
  .transform(({ version, id }) => (version === 2 ? "v2" : id === "TDX" ? "tdx" : "sgx"));

export type TcbInfo = z.infer<(typeof forms)[keyof typeof forms]>;
export type TcbLevel = TcbInfo["tcbLevels"][number];

export interface SignedTcbInfo {
  readonly info: TcbInfo;
  readonly signed: Uint8Array<ArrayBuffer>;
}

/** @throws {EndorsementError} ENDORSEMENT_MALFORMED */
export function parseTcbInfo(text: string): SignedTcbInfo {
  const { signed, value } = parseJsonDocument("TCB info", text);
  const form = formSchema.safeParse(value);
  const parsed = form.success ? forms[form.data].safeParse(value) : form;
  if (!parsed.success)
    throw malformedDocument("TCB info", "is not of version 2 or 3 as Intel has it", parsed.error);
  return { info: parsed.data, signed };
}
