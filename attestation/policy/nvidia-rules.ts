/** Rules for NVIDIA GPUs and switches. */

import * as z from "zod";
import type { Hex } from "../../protocol/bytes.ts";
import { AppraisalError, type AppraisalErrorCode } from "../../protocol/errors.ts";
import type { VerifiedEvidence } from "../evidence/verified-evidence.ts";
import type { NvidiaDeviceClaims } from "../nvidia/claims.ts";
import type { NvidiaManifestComponent } from "../nvidia/reference-manifest.ts";
import { byIndexSchema, proposeByIndex } from "./by-index.ts";
import {
  acceptAny,
  acceptedUnestablished,
  hexValue,
  refusal,
  sinceVersion2,
  type Rule,
  type RuleTable,
} from "./rule.ts";
import { freshnessRule, reportDataRule } from "./shared-rules.ts";

const MEASUREMENT = "APPRAISAL_MEASUREMENT_UNKNOWN";
const ATTRIBUTE = "APPRAISAL_ATTRIBUTE_UNACCEPTABLE";

const spdmIndex = z.string().regex(/^[1-9]\d{0,2}$/);
/** As in `byIndexSchema`: an empty list would accept anything without saying so. */
const listed = z
  .record(spdmIndex, z.array(hexValue(null)).min(1))
  .refine(
    (values) => Object.keys(values).length > 0,
    "list a value: a manifest without any accepts everything",
  );

/** Reference values of one version of one component, as `adyton policy from-rim` takes them from NVIDIA's manifest. */
const manifestSchema = z.strictObject({
  component: z.enum(["driver", "vbios", "switchBios"]),
  version: z.string().min(1).max(64),
  byIndex: listed,
});
type NvidiaManifestDemand = z.infer<typeof manifestSchema>;

/** More releases of driver and VBIOS than anyone keeps in use at once. */
const MAX_MANIFESTS = 256;
const manifestsSchema = z.strictObject({ manifests: z.array(manifestSchema).min(1).max(MAX_MANIFESTS) });

/** NVIDIA compares it only where the device's video decoder is on (nvtrust, `is_msr_35_valid`; SPDM counts from 1). */
const DECODER_INDEX = "36";

/**
 * Reference values by SPDM index: on every device, the measurement at a listed index is one of its values. Or NVIDIA's
 * manifests: every device runs versions of which there is one, and measures as it says.
 */
function measurementsRule() {
  const schema = z.union([byIndexSchema(spdmIndex, hexValue(null)), manifestsSchema]);
  return {
    schema,
    appraise: ({ claims: { devices } }, demand) => {
      if ("acceptAny" in demand) return `${devices.length} devices (any accepted)`;
      for (const device of devices) {
        if ("byIndex" in demand) checkOneOf(device, [demand.byIndex]);
        else checkManifests(device, demand.manifests);
      }
      return `compared on ${devices.length} devices`;
    },
    propose: ({ claims: { devices } }) => {
      const ofFirst = devices.slice(0, 1).flatMap(({ measurements }) => Object.entries(measurements));
      const isShared = ([index, value]: readonly [string, Hex]): boolean =>
        devices.every(({ measurements }) => measurements[index] === value);
      return proposeByIndex(ofFirst.filter(isShared));
    },
  } as const satisfies Rule<"nvidia", typeof schema>;
}

type Values = Readonly<Record<string, readonly Hex[]>>;

/**
 * A GPU has a driver and a VBIOS, a switch its BIOS: for each, the lists of the version that it runs. One VBIOS version
 * is made for several boards, each with a manifest of its own.
 */
function manifestsFor(
  device: NvidiaDeviceClaims,
  manifests: readonly NvidiaManifestDemand[],
): readonly (readonly Values[])[] {
  const needed: readonly (readonly [NvidiaManifestComponent, string | null])[] =
    device.device === "switch"
      ? [["switchBios", device.vbiosVersion]]
      : [
          ["driver", device.driverVersion],
          ["vbios", device.vbiosVersion],
        ];
  return needed.map(([component, version]) => {
    const found = manifests.filter(
      (manifest) =>
        manifest.component === component && manifest.version.toLowerCase() === version?.toLowerCase(),
    );
    if (found.length > 0) return found.map(({ byIndex }) => byIndex);
    const details = { claim: component, device: device.ueid, actual: version ?? "absent" };
    throw refusal(MEASUREMENT, `the policy has no reference values for this ${component}`, details);
  });
}

/** @throws {AppraisalError} a version without a manifest, or a measurement that is not of it */
function checkManifests(device: NvidiaDeviceClaims, manifests: readonly NvidiaManifestDemand[]): void {
  for (const lists of manifestsFor(device, manifests)) checkOneOf(device, lists);
}

function checkOneOf(device: NvidiaDeviceClaims, lists: readonly Values[]): void {
  const differing = lists.map((list) => differingIndex(device, list));
  if (differing.includes(undefined)) return;
  const [index = ""] = differing;
  const actual = device.measurements[index] ?? "absent";
  const details = { claim: `measurement ${index}`, device: device.ueid, actual };
  throw refusal(MEASUREMENT, `measurement ${index} is not one of the reference values`, details);
}

function differingIndex({ measurements, decoderOn }: NvidiaDeviceClaims, values: Values): string | undefined {
  return Object.entries(values).find(([index, accepted]) => {
    if (index === DECODER_INDEX && decoderOn === false) return false;
    const actual = measurements[index];
    return actual === undefined || !accepted.includes(actual);
  })?.[0];
}

/**
 * No device signs whether it is in debug mode. NVIDIA's tools say that it is not once all measurements are those of its
 * manifests (nvtrust, `claims_utils.py`), and so does this rule: `refuse` needs `measurements` with manifests.
 */
function debugRule() {
  const schema = z.enum(["refuse", "acceptUnknown"]);
  return {
    schema,
    appraise: ({ claims: { devices } }, demand, { section }) => {
      const { manifests } = (section["measurements"] ?? {}) as {
        readonly manifests?: readonly NvidiaManifestDemand[];
      };
      const isEstablished = manifests !== undefined && devices.every((device) => fits(device, manifests));
      if (isEstablished) return "off: every measurement is NVIDIA's own";
      if (demand === "acceptUnknown") return acceptedUnestablished("unknown");
      throw refusal(
        "APPRAISAL_DEBUG_UNKNOWN",
        manifests === undefined
          ? "nothing establishes that debug is off: pin NVIDIA's manifests"
          : "nothing establishes that debug is off: the measurements are not those of the manifests",
        { claim: "debug" },
      );
    },
    propose: () => "acceptUnknown" as const,
  } as const satisfies Rule<"nvidia", typeof schema>;
}

/** Whether every measurement of the device is one of the manifests': only then do they say anything of debug. */
function fits(device: NvidiaDeviceClaims, manifests: readonly NvidiaManifestDemand[]): boolean {
  try {
    checkManifests(device, manifests);
    return true;
  } catch (error) {
    if (!(error instanceof AppraisalError)) throw error;
    return false;
  }
}

/** How many devices of each sort there are. Which ones, `platformIds` says: each stands in evidence once. */
function devicesRule() {
  const count = z.int().min(0).max(64);
  const schema = z.union([z.strictObject({ gpus: count, switches: count }), acceptAny]);
  return {
    since: 2,
    schema,
    appraise: ({ claims }, demand) => {
      const actual = countDevices(claims.devices);
      const shown = `${actual.gpus} GPUs, ${actual.switches} switches`;
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      if (actual.gpus !== demand.gpus || actual.switches !== demand.switches) {
        throw refusal(ATTRIBUTE, "there are not as many devices as the policy asks for", {
          claim: "devices",
          actual: shown,
        });
      }
      return shown;
    },
    propose: ({ claims }) => countDevices(claims.devices),
  } as const satisfies Rule<"nvidia", typeof schema>;
}

function countDevices(devices: readonly NvidiaDeviceClaims[]) {
  const gpus = devices.filter(({ device }) => device === "gpu").length;
  return { gpus, switches: devices.length - gpus };
}

/**
 * In PPCIE mode data crosses the switches in the clear: they are part of what must be trusted. `require` asks for the
 * evidence of every switch that a GPU in that mode names, and that every GPU says its mode.
 */
function switchesRule() {
  const schema = z.enum(["require", "acceptWithout"]);
  return {
    since: 2,
    open: "acceptWithout",
    schema,
    appraise: ({ claims }, demand) => {
      const gap = switchGapOf(claims.devices);
      if (gap === undefined) return "every switch that carries plain data is here";
      if (demand === "acceptWithout") return acceptedUnestablished(gap.short);
      throw refusal(ATTRIBUTE, gap.message, { claim: "switches", actual: gap.actual.join(", ") });
    },
    propose: ({ claims }) =>
      switchGapOf(claims.devices) === undefined ? ("require" as const) : ("acceptWithout" as const),
  } as const satisfies Rule<"nvidia", typeof schema>;
}

/** Why it is not established that every switch which carries plain data is among the devices. */
interface SwitchGap {
  readonly short: string;
  readonly message: string;
  /** Switches, or the GPUs that leave it open. */
  readonly actual: readonly Hex[];
}

function switchGapOf(devices: readonly NvidiaDeviceClaims[]): SwitchGap | undefined {
  const gpus = devices.filter(({ device }) => device === "gpu");
  const silent = gpus.filter((gpu) => sendsPlainData(gpu) === null);
  if (silent.length > 0) {
    return {
      short: `${silent.length} GPUs do not say whether they need any`,
      message: "a GPU does not say whether it sends plain data through switches",
      actual: silent.map(({ ueid }) => ueid),
    };
  }
  const plain = gpus.filter((gpu) => sendsPlainData(gpu) === true);
  const unnamed = plain.filter(({ switches }) => switches.length === 0);
  if (unnamed.length > 0) {
    return {
      short: `${unnamed.length} GPUs do not name them`,
      message: "a GPU sends plain data through switches and does not name them",
      actual: unnamed.map(({ ueid }) => ueid),
    };
  }
  const here = new Set(
    devices.filter(({ device }) => device === "switch").flatMap(({ switches }) => switches),
  );
  const missing = [...new Set(plain.flatMap(({ switches }) => switches))].filter((id) => !here.has(id));
  if (missing.length === 0) return undefined;
  return {
    short: `${missing.length} without evidence`,
    message: "a GPU sends plain data through switches whose evidence is not here",
    actual: missing,
  };
}

/** By either of its fields; null where it has neither, as older firmware. */
function sendsPlainData({ protectedPcie, featureFlag }: NvidiaDeviceClaims): boolean | null {
  if (protectedPcie === true || featureFlag === "PPCIE") return true;
  return protectedPcie === null && featureFlag === null ? null : false;
}

type DeviceWord = "hardwareModel" | "driverVersion" | "vbiosVersion" | "ueid" | "featureFlag";

interface DeviceRuleOptions {
  readonly code: AppraisalErrorCode;
  /** `gpus`: switches have no such claim, and are not asked. */
  readonly asked: "all" | "gpus";
}

/** On every device that is asked, the claim is one of the policy's. */
function deviceRule(claim: DeviceWord, { code, asked }: DeviceRuleOptions) {
  const schema = z.union([z.strictObject({ oneOf: z.array(z.string().max(256)).min(1) }), acceptAny]);
  const askedOf = ({ claims }: VerifiedEvidence<"nvidia">): readonly NvidiaDeviceClaims[] =>
    claims.devices.filter(({ device }) => asked === "all" || device === "gpu");
  return {
    schema,
    appraise: (evidence, demand) => {
      const devices = askedOf(evidence);
      const shown = devices.map((device) => device[claim] ?? "absent").join(", ");
      if ("acceptAny" in demand) return `${shown} (any accepted)`;
      const stranger = devices.find((device) => !demand.oneOf.some((value) => value === device[claim]));
      if (stranger !== undefined) {
        const details = { claim, device: stranger.ueid, actual: stranger[claim] ?? "absent" };
        throw refusal(code, `${claim} is not one that the policy accepts`, details);
      }
      return shown;
    },
    propose: (evidence) => {
      const values = askedOf(evidence).map((device) => device[claim]);
      const named = values.filter((value) => value !== null);
      return named.length < values.length || named.length === 0
        ? { acceptAny: true }
        : { oneOf: [...new Set(named)] };
    },
  } as const satisfies Rule<"nvidia", typeof schema>;
}

/** Whether NVIDIA must have said of every certificate that it issued to the devices that it is not revoked. */
function revocationRule() {
  const schema = z.enum(["require", "acceptUnchecked"]);
  return {
    since: 3,
    open: "acceptUnchecked",
    schema,
    appraise: ({ claims: { revocation } }, demand) => {
      if (revocation !== "checked" && demand === "require") {
        throw refusal(ATTRIBUTE, "the policy requires NVIDIA's OCSP answers about every certificate", {
          claim: "revocation",
          actual: revocation,
        });
      }
      return revocation === "checked" ? revocation : acceptedUnestablished(revocation);
    },
    propose: ({ claims: { revocation } }) =>
      revocation === "checked" ? ("require" as const) : ("acceptUnchecked" as const),
  } as const satisfies Rule<"nvidia", typeof schema>;
}

export const NVIDIA_RULES = {
  devices: devicesRule(),
  hardwareModel: deviceRule("hardwareModel", { code: ATTRIBUTE, asked: "all" }),
  driverVersion: deviceRule("driverVersion", { code: ATTRIBUTE, asked: "gpus" }),
  vbiosVersion: deviceRule("vbiosVersion", { code: ATTRIBUTE, asked: "all" }),
  featureFlag: sinceVersion2(deviceRule("featureFlag", { code: ATTRIBUTE, asked: "gpus" })),
  switches: switchesRule(),
  measurements: measurementsRule(),
  debug: debugRule(),
  revocation: revocationRule(),
  platformIds: deviceRule("ueid", { code: "APPRAISAL_PLATFORM_UNKNOWN", asked: "all" }),
  reportData: reportDataRule<"nvidia">(),
  freshness: freshnessRule<"nvidia">(),
} as const satisfies RuleTable<"nvidia">;
