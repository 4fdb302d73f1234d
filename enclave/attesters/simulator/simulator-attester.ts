import { sha384 } from "@noble/hashes/sha2.js";
import { fromHex, toHex, toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { InputError } from "../../../protocol/errors.ts";
import { fillLayout, mintQuote } from "./intel-writer.ts";
import {
  mintSimulatedPlatform,
  SIMULATOR_ATTESTATION_KEY,
  SIMULATOR_MR_SIGNER_SEAM,
  SIMULATOR_QE_REPORT,
  SIMULATOR_TEE_TCB_SVN,
} from "./simulator-pki.ts";

/** 48-byte measurements of the simulated TD. */
export interface SimulatedMeasurements {
  readonly mrTd: Hex;
  readonly mrConfigId: Hex;
  readonly mrOwner: Hex;
  readonly mrOwnerConfig: Hex;
  readonly rtMr0: Hex;
  readonly rtMr1: Hex;
  readonly rtMr2: Hex;
  readonly rtMr3: Hex;
}

export interface SimulatorOptions {
  /** Names differ: platforms, and so PPIDs, differ. */
  readonly platform: string;
  /** Those not given keep fixed values, the same on every machine. */
  readonly measurements: Partial<SimulatedMeasurements>;
  readonly debug: "off" | "on";
  readonly tcb: "current" | "out-of-date";
}

export interface SimulatorAttester {
  /** PPID that the evidence will show. */
  readonly platformId: Hex;
  readonly measurements: SimulatedMeasurements;
  /** A quote over exactly 64 bytes. */
  readonly getEvidence: (reportData: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>;
}

const measurementOf = (name: string): Hex => toHex(sha384(toUtf8(`Adyton SIMULATOR ${name}`)));
const ZERO: Hex = toHex(new Uint8Array(48));

export const SIMULATED_MEASUREMENTS: SimulatedMeasurements = {
  mrTd: measurementOf("MRTD"),
  mrConfigId: ZERO,
  mrOwner: ZERO,
  mrOwnerConfig: ZERO,
  rtMr0: measurementOf("RTMR0"),
  rtMr1: measurementOf("RTMR1"),
  rtMr2: measurementOf("RTMR2"),
  rtMr3: ZERO,
};

/** TD report body of TDX 1.0 (Intel TDX DCAP Quoting Library API, A.3.2). */
const TD_BODY_BYTES = 584;
const at = (offset: number, length: number): { readonly at: number; readonly length: number } => ({
  at: offset,
  length,
});
const MEASUREMENT_AT: Readonly<Record<keyof SimulatedMeasurements, number>> = {
  mrTd: 136,
  mrConfigId: 184,
  mrOwner: 232,
  mrOwnerConfig: 280,
  rtMr0: 328,
  rtMr1: 376,
  rtMr2: 424,
  rtMr3: 472,
};

/** Bit 28 of TD_ATTRIBUTES, little-endian: SEPT_VE_DISABLE, as production TDs have it. */
const SEPT_VE_DISABLE = 0x10;

export const SIMULATOR_QE_VENDOR_ID = toUtf8("ADYTON-SIMULATOR");

/**
 * Makes quotes in the shape of TDX version 4 without any hardware. The whole path of Intel's verification judges them,
 * under a root whose private key is public.
 */
export async function createSimulatorAttester(
  options: Partial<SimulatorOptions> = {},
): Promise<SimulatorAttester> {
  const { platform = "default", measurements: given = {}, debug = "off", tcb = "current" } = options;
  const { pck, ppid, chain } = await mintSimulatedPlatform(platform, tcb === "current");
  const measurements = { ...SIMULATED_MEASUREMENTS, ...given };
  const fields = Object.entries(MEASUREMENT_AT) as [keyof SimulatedMeasurements, number][];
  const body = fillLayout(TD_BODY_BYTES, [
    [at(0, 16), SIMULATOR_TEE_TCB_SVN],
    [at(64, 48), fromHex(SIMULATOR_MR_SIGNER_SEAM)],
    [at(120, 8), Uint8Array.of(debug === "on" ? 1 : 0, 0, 0, SEPT_VE_DISABLE)],
    [at(128, 8), Uint8Array.of(0xe7, 0, 6)],
    ...fields.map(([name, offset]) => [at(offset, 48), fromHex(measurements[name], 48)] as const),
  ]);
  return {
    platformId: ppid,
    measurements,
    getEvidence: (reportData) => {
      if (reportData.length !== 64) {
        const details = { length: reportData.length };
        return Promise.reject(
          new InputError({ code: "INPUT_INVALID", message: "report data is 64 bytes", details }),
        );
      }
      const quoted = new Uint8Array(body);
      quoted.set(reportData, 520);
      const parts = {
        version: 4,
        teeType: 0x81,
        bodyType: 2,
        qeVendorId: SIMULATOR_QE_VENDOR_ID,
        body: quoted,
        qeReport: SIMULATOR_QE_REPORT,
        qeAuthenticationData: new Uint8Array(32),
        pckChain: toUtf8(chain),
      } as const;
      return Promise.resolve(mintQuote(parts, { attestation: SIMULATOR_ATTESTATION_KEY, pck }));
    },
  };
}
