/** `adyton image measure`: every register or none, and policies that accept what was measured. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appraiseEvidence, parseAppraisalPolicy, verifyEvidence } from "../../../attestation/index.ts";
import { measureImage, type MeasureOptions, type Platform } from "../../../cli/image/measurement.ts";
import { appraisalPolicy, registryRules } from "../../../cli/image/image-policy.ts";
import { writeEif } from "../../../image/eif.ts";
import { writeUki } from "../../../image/uki.ts";
import { toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { runAdyton } from "../../support/adyton-command.ts";
import { SIMULATED_NOW, simulatedQuote } from "../../support/simulated-evidence.ts";
import { twinKernel, twinProgram, twinSnpFirmware } from "../../image/support/vectors.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-measure-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const MRTD = "ab".repeat(48);
const ZERO = "00".repeat(48);

function writeImage(name: string, cmdline: string): string {
  const image = join(folder, name);
  mkdirSync(image);
  const files = { kernel: twinKernel(), initrd: toUtf8("an initrd"), cmdline };
  writeFileSync(join(image, "vmlinuz"), files.kernel);
  writeFileSync(join(image, "initrd.zst"), files.initrd);
  writeFileSync(join(image, "cmdline"), cmdline);
  writeFileSync(join(image, "adyton.efi"), writeUki(twinProgram({ ".text": "stub" }), files));
  writeFileSync(
    join(image, "adyton.eif"),
    writeEif({ kernel: files.kernel, cmdline, ramdisks: [files.initrd] }),
  );
  return image;
}

let image: string;
let changed: string;
let firmware: string;
beforeAll(() => {
  image = writeImage("image", "panic=-1");
  changed = writeImage("changed", "panic=-1 ");
  firmware = join(folder, "OVMF.fd");
  writeFileSync(firmware, twinSnpFirmware());
});

const COMPLETE: Readonly<Record<Platform, MeasureOptions>> = {
  tdx: { mrtd: MRTD, rtmr0: "any" },
  "tdx-uki": { mrtd: MRTD, rtmr0: ZERO },
  snp: { vcpus: "2" },
  nitro: {},
  "nitro-tpm": {},
};

const platforms = Object.keys(COMPLETE) as Platform[];
const options = (platform: Platform): MeasureOptions =>
  platform === "snp" ? { ...COMPLETE.snp, firmware } : COMPLETE[platform];

describe("a measurement", () => {
  test.for(platforms)("of %s has every register, and another one for another command line", (platform) => {
    const { registers } = measureImage(platform, image, options(platform));
    const names = { tdx: 5, "tdx-uki": 5, snp: 1, nitro: 3, "nitro-tpm": 3 };
    expect(Object.keys(registers)).toHaveLength(names[platform]);
    expect(measureImage(platform, changed, options(platform)).registers).not.toEqual(registers);
  });

  test.for<[string, Platform, MeasureOptions]>([
    ["MRTD", "tdx", { rtmr0: "any" }],
    ["RTMR0", "tdx", { mrtd: MRTD }],
    ["MRTD", "tdx-uki", { rtmr0: "any" }],
    ["--firmware", "snp", { vcpus: "2" }],
    ["--vcpus", "snp", { firmware: "OVMF.fd" }],
    ["--cpu-model", "snp", { firmware: "OVMF.fd", vcpus: "2", cpuModel: "Z80" }],
    ["--memory", "tdx", { mrtd: MRTD, rtmr0: "any", memory: "much" }],
    ["--mrtd", "tdx", { mrtd: "ab", rtmr0: "any" }],
  ])("is refused as a whole where %s cannot be had", ([named, platform, given]) => {
    const measure = (): unknown => measureImage(platform, image, given);
    expect(measure).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    expect(measure).toThrow(named);
  });

  test("as a command: exit 0 with the registers, 64 without, and a policy is never overwritten", async () => {
    const policy = join(folder, "policy.json");
    const measured = await runAdyton(["image", "measure", image, "--platform", "nitro", "--policy", policy]);
    expect(measured).toMatchObject({ code: 0, stderr: "" });
    expect(measured.stdout).toMatch(/^nitro\n {2}PCR0 {2}0x[0-9a-f]{96}\n/);
    expect(parseAppraisalPolicy(JSON.parse(readFileSync(policy, "utf8"))).nitro).toMatchObject({
      debug: "refuse",
    });
    expect(
      await runAdyton(["image", "measure", image, "--platform", "nitro", "--policy", policy]),
    ).toMatchObject({ code: 64 });
    const none = await runAdyton(["image", "measure", image, "--platform", "tdx"]);
    expect(none).toMatchObject({ code: 64, stdout: "" });
  });
});

describe("a policy of a measurement", () => {
  test("accepts a machine with these registers, and none with another", async () => {
    const measurement = measureImage("tdx", image, { mrtd: MRTD, rtmr0: ZERO });
    const policy = appraisalPolicy(measurement, "simulator");
    const shown = (name: string): Hex => (measurement.registers[name] as readonly Hex[])[0]!;
    const real = { mrTd: shown("MRTD"), rtMr0: shown("RTMR0"), rtMr1: shown("RTMR1"), rtMr2: shown("RTMR2") };
    const other = measureImage("tdx", changed, { mrtd: MRTD, rtmr0: ZERO }).registers[
      "RTMR2"
    ] as readonly Hex[];
    for (const [measurements, accepted] of [
      [real, true],
      [{ ...real, rtMr2: other[0]! }, false],
      [{ ...real, mrTd: shown("RTMR1") }, false],
    ] as const) {
      const quote = await simulatedQuote(new Uint8Array(64), { measurements });
      const evidence = await verifyEvidence(quote, {}, { now: SIMULATED_NOW });
      const appraise = (): unknown => appraiseEvidence(evidence, policy, { now: SIMULATED_NOW });
      if (accepted) expect(appraise).not.toThrow();
      else expect(appraise).toThrow(expect.objectContaining({ code: "APPRAISAL_MEASUREMENT_UNKNOWN" }));
    }
  });

  test("refuses every other kind, simulated evidence among them, unless it is asked for", () => {
    const policy = appraisalPolicy(measureImage("tdx", image, { mrtd: MRTD, rtmr0: ZERO }), "hardware");
    expect(policy.simulator).toEqual({ refuse: true });
    expect(policy.snp).toEqual({ refuse: true });
  });

  test("is not written for a platform whose evidence nobody judges here", () => {
    expect(() => appraisalPolicy(measureImage("nitro-tpm", image, {}), "hardware")).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
  });

  test("has one rule on chain for each value that registers may have together, and leaves out what is any", () => {
    const pinned = registryRules(measureImage("tdx", image, { mrtd: MRTD, rtmr0: ZERO }), null);
    expect(pinned?.registerMask).toBe(0b1111_0001);
    expect(pinned?.rules).toHaveLength(1);
    const uki = registryRules(
      measureImage("tdx-uki", image, { mrtd: MRTD, rtmr0: "any" }),
      `0x${"12".repeat(32)}`,
    );
    expect(uki?.registerMask).toBe(0b1110_0001);
    expect(uki?.rules.map(({ kind }) => kind)).toEqual([2, 2, 3]);
    expect(registryRules(measureImage("nitro", image, {}), null)).toBeNull();
  });
});

describe("the rule about a behaviour file", () => {
  const nitro = (behaviour: string): ReturnType<typeof runAdyton> =>
    runAdyton(["image", "measure", image, "--platform", "nitro", "--behaviour", behaviour]);

  test.for<[string, string | null]>([
    ["an empty file", ""],
    ["one that is cut short", '{"version":1,'],
    ["another file of JSON", '{"version":1,"providers":[]}'],
    ["one of another version", '{"version":2,"certificateAuthorities":[],"providers":{}}'],
    ["a list", "[]"],
    ["a folder", null],
  ])("is not made of %s: the file is named, and nothing printed", async ([name, content]) => {
    const file = join(folder, name.replaceAll(" ", "-"));
    if (content === null) mkdirSync(file);
    else writeFileSync(file, content);
    const { code, stdout, stderr } = await nitro(file);
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(file);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
