/** Policies that accept an image as it was measured, and little else: for `adyton verify`, and for the registry on chain. */

import { writeFile } from "node:fs/promises";
import { parseAppraisalPolicy, type AppraisalPolicy } from "../../attestation/index.ts";
import { unwritable } from "../../endorsements/files/unreadable.ts";
import { concatBytes, fromHex, type Hex } from "../../protocol/bytes.ts";
import { InputError } from "../../protocol/errors.ts";
import { keccak } from "../../protocol/struct-hash.ts";
import type { Measurement, Register } from "./measurement.ts";

const ANY = { acceptAny: true } as const;
const REFUSE = { refuse: true } as const;
const ZERO_48: Hex = `0x${"00".repeat(48)}`;
const DAY_SECONDS = 86_400;
/** TD_ATTRIBUTES as QEMU and clouds set them: SEPT_VE_DISABLE (bit 28), and neither debug nor migration. */
const TD_ATTRIBUTES: Hex = "0x0000001000000000";
/** QEMU's default guest policy: SMT allowed, neither debug nor a migration agent (SEV-SNP ABI §4.3). */
const SNP_POLICY: Hex = "0x0000000000030000";

const demand = (register: Register | undefined): unknown =>
  register === undefined || register === "any" ? ANY : { oneOf: register };

/** As whom the machine will show itself: a simulated TD has the registers of a real one. */
export type EvidenceForm = "hardware" | "simulator";

export function appraisalPolicy({ platform, registers }: Measurement, form: EvidenceForm): AppraisalPolicy {
  const kinds = ["sgx", "tdx", "snp", "nitro", "nvidia", "azureSnp", "azureTdx", "dstack", "simulator"];
  const [kind, section] = sectionOf(platform, registers, form);
  return parseAppraisalPolicy({
    version: 1,
    ...Object.fromEntries(kinds.map((name) => [name, name === kind ? section : REFUSE])),
  });
}

function sectionOf(
  platform: Measurement["platform"],
  registers: Measurement["registers"],
  form: EvidenceForm,
): readonly [string, unknown] {
  const shared = {
    debug: "refuse",
    platformIds: ANY,
    reportData: ANY,
    freshness: { maxAgeSeconds: DAY_SECONDS },
  };
  switch (platform) {
    case "tdx":
    case "tdx-uki":
      return [form === "simulator" ? "simulator" : "tdx", { ...shared, ...tdxSection(registers) }];
    case "snp":
      return ["snp", { ...shared, ...snpSection(registers) }];
    case "nitro":
      return ["nitro", { ...shared, ...nitroSection(registers) }];
    case "nitro-tpm":
      throw new InputError({
        code: "INPUT_INVALID",
        message:
          "adyton verify judges no evidence of NitroTPM: give the values to AWS KMS or to a tool of AWS's",
      });
  }
}

function tdxSection(registers: Measurement["registers"]): Readonly<Record<string, unknown>> {
  return {
    tcbStatuses: ["UpToDate"],
    advisories: { noneBut: [] },
    tcbEvaluationDataNumber: ANY,
    teeTcbSvn: ANY,
    mrTd: demand(registers["MRTD"]),
    rtMr0: demand(registers["RTMR0"]),
    rtMr1: demand(registers["RTMR1"]),
    rtMr2: demand(registers["RTMR2"]),
    rtMr3: demand(registers["RTMR3"]),
    mrConfigId: ANY,
    mrOwner: ANY,
    mrOwnerConfig: ANY,
    mrSeam: ANY,
    mrServiceTd: ANY,
    tdAttributes: { oneOf: [TD_ATTRIBUTES] },
    xfam: ANY,
    rtMr3Events: ANY,
  };
}

function snpSection(registers: Measurement["registers"]): Readonly<Record<string, unknown>> {
  return {
    product: ANY,
    reportedTcbFmc: ANY,
    reportedTcbBootLoader: ANY,
    reportedTcbTee: ANY,
    reportedTcbSnp: ANY,
    reportedTcbMicrocode: ANY,
    revocation: "require",
    signingKey: ANY,
    measurement: demand(registers["MEASUREMENT"]),
    hostData: ANY,
    idKeyDigest: ANY,
    authorKeyDigest: ANY,
    familyId: ANY,
    imageId: ANY,
    guestSvn: ANY,
    vmpl: { atMost: 0 },
    policy: { oneOf: [SNP_POLICY] },
    platformInfo: ANY,
  };
}

function nitroSection(registers: Measurement["registers"]): Readonly<Record<string, unknown>> {
  return {
    pcr0: demand(registers["PCR0"]),
    pcr1: demand(registers["PCR1"]),
    pcr2: demand(registers["PCR2"]),
    pcr3: ANY,
    pcr4: ANY,
    // The image is not signed by a key of ours: its hash is what is compared.
    pcr8: { oneOf: [ZERO_48] },
    publicKey: ANY,
    nonce: ANY,
  };
}

/** A change of a policy in the `EnclaveRegistry` (contracts/src/types/Policy.sol). */
export interface RegistryRule {
  readonly kind: number;
  readonly subject: Hex;
  readonly value: Hex;
}

export interface RegistryRules {
  /** Which registers make up a measurement: `TdxQuotes`. */
  readonly registerMask: number;
  readonly rules: readonly RegistryRule[];
}

const RULE_MEASUREMENT = 2;
const RULE_BEHAVIOUR = 3;
const PRESENT: Hex = `0x${"00".repeat(31)}01`;
/** `TdxQuotes`: each register's bit. */
const REGISTER_BITS = { MRTD: 0, RTMR0: 4, RTMR1: 5, RTMR2: 6, RTMR3: 7 } as const;

/** null for a platform whose evidence no contract judges: a verifier enclave appraises it, by the policy above. */
export function registryRules(
  { platform, registers }: Measurement,
  behaviourDigest: Hex | null,
): RegistryRules | null {
  if (platform !== "tdx" && platform !== "tdx-uki") return null;
  const named = Object.entries(REGISTER_BITS) as [keyof typeof REGISTER_BITS, number][];
  const pinned = named.flatMap(([name, bit]) => {
    const values = registers[name];
    return values === undefined || values === "any" ? [] : [{ bit, values }];
  });
  const registerMask = pinned.reduce((mask, { bit }) => mask | (1 << bit), 0);
  const prefix = Uint8Array.of(registerMask >> 8, registerMask & 0xff);
  const combinations = pinned.reduce<readonly Uint8Array[]>(
    (all, { values }) => all.flatMap((before) => values.map((value) => concatBytes(before, fromHex(value)))),
    [prefix],
  );
  const rules = combinations.map((bytes) => ({
    kind: RULE_MEASUREMENT,
    subject: keccak(bytes),
    value: PRESENT,
  }));
  const behaviour =
    behaviourDigest === null ? [] : [{ kind: RULE_BEHAVIOUR, subject: behaviourDigest, value: PRESENT }];
  return { registerMask, rules: [...rules, ...behaviour] };
}

/** @throws {InputError} INPUT_CONFLICT where there is a file already, INPUT_INVALID where there can be none */
export async function writePolicy(path: string, policy: AppraisalPolicy): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(policy, null, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}
