/** `adyton verify … --from-source FOLDER`: builds the image from a checkout and compares what the evidence shows with it. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import type { VerifiedEvidence } from "../../attestation/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { ConfigError, InputError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { PLATFORMS, prepareMeasurement, type MeasureOptions, type Register } from "../image/measurement.ts";
import { readJsonFile } from "../json-file.ts";
import { registersOf } from "./evidence-registers.ts";
import type { ReportedCheck, VerifyOutcome } from "./report.ts";

export interface SourceOptions extends MeasureOptions {
  readonly fromSource?: string;
  readonly platform?: string;
  readonly behaviour?: string;
  readonly packages?: string;
  readonly nitroKernel?: string;
  readonly nitroDriver?: string;
}

/** What a register differs by, in the words of the options that would change it. */
const CONTENT: Readonly<Record<string, string>> = {
  MRTD: "the firmware and the order of its pages (--firmware, --page-order)",
  RTMR0: "the machine's configuration: memory, processors, devices",
  RTMR1:
    "the kernel, into which QEMU writes the initrd's length and what memory is below 4 GiB (--memory, --kernel-form)",
  RTMR2: "the command line and the initrd",
  RTMR3: "what is measured after the start, which is nothing",
  MEASUREMENT:
    "firmware, kernel, initrd, command line, and the number and model of processors (--firmware, --vcpus, --cpu-model)",
  PCR0: "kernel, command line and all ramdisks",
  PCR1: "kernel, command line and first ramdisk",
  PCR2: "the driver of the secure module (--nitro-driver)",
};

/** Each register that the platform measures, compared with the one computed from the sources, beside what was judged before. */
export function compareWithSource(
  outcome: VerifyOutcome,
  evidence: VerifiedEvidence,
  folder: string,
  options: SourceOptions,
): VerifyOutcome {
  const checks = compareRegisters(evidence, folder, options);
  const all = { ...outcome.report, checks: [...outcome.report.checks, ...checks] };
  const different = checks.find(({ ok }) => !ok);
  if (different === undefined) return { ...outcome, report: all };
  const register = different.name.replace("source: ", "");
  const message = `${register} is not what these sources give: it has ${CONTENT[register] ?? "the image"}, and that is another one there`;
  return {
    exitCode: ExitCode.refused,
    report: {
      ...all,
      exitStatus: ExitCode.refused,
      appraised: false,
      headline: "Not these sources.",
      sentence: message,
      error: { code: "APPRAISAL_MEASUREMENT_UNKNOWN", message },
    },
  };
}

/** @throws {InputError} for options that are missing, and evidence that has no such registers */
function compareRegisters(
  evidence: VerifiedEvidence,
  folder: string,
  options: SourceOptions,
): readonly ReportedCheck[] {
  const platform = PLATFORMS.find((name) => name === options.platform);
  if (platform === undefined) throw usage(`--from-source wants --platform, one of ${PLATFORMS.join(", ")}`);
  const { platforms, registers: shown } = registersOf(evidence);
  if (!platforms.includes(platform))
    throw usage(`evidence of kind ${evidence.kind} has no registers of ${platform}`);
  const measure = prepareMeasurement(platform, options);
  checkCheckout(folder);
  const image = mkdtempSync(join(tmpdir(), "adyton-from-source-"));
  try {
    build(folder, image, options);
    const { registers } = measure(image);
    return Object.entries(registers).map(([name, expected]) => toCheck(name, expected, shown[name] ?? null));
  } finally {
    rmSync(image, { recursive: true });
  }
}

function toCheck(name: string, expected: Register, found: Hex | null): ReportedCheck {
  const subject = {
    name: `source: ${name}`,
    link: "evidence",
    compared: "the evidence's register with the one computed from the sources",
    range: null,
    found,
  } as const;
  if (expected === "any")
    return { ...subject, ok: true, state: "left open", detail: "not compared (--rtmr0 any)", expected: null };
  const ok = found !== null && expected.includes(found);
  return {
    ...subject,
    ok,
    state: ok ? "holds" : "fails",
    detail: ok ? "as built from the sources" : "another value than the sources give",
    expected: expected.join(" or "),
  };
}

const Checkout = z.looseObject({
  name: z.literal("adyton"),
  scripts: z.looseObject({ "build:image": z.string() }),
});

/** What runs is the checkout's own build: the words of a stranger's would say nothing. */
function checkCheckout(folder: string): void {
  const what = "--from-source wants a checkout of Adyton";
  readJsonFile(join(folder, "package.json"), Checkout, what);
  if (existsSync(join(folder, "node_modules"))) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${folder} has no node_modules: run npm ci there first`,
  });
}

/** By npm, so that the checkout's own Node runs the build: its bytes depend on it. Files are the caller's, wherever the build runs. */
function build(folder: string, out: string, options: SourceOptions): void {
  const files = {
    "--behaviour": options.behaviour,
    "--packages": options.packages,
    "--nitro-kernel": options.nitroKernel,
    "--nitro-driver": options.nitroDriver,
  };
  const chosen = Object.entries(files).flatMap(([name, file]) =>
    file === undefined ? [] : [name, resolve(file)],
  );
  process.stderr.write(`building the image from ${folder}: some minutes\n`);
  const args = ["run", "--silent", "build:image", "--", "--out", out, ...chosen];
  const { status, error } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  throw new ConfigError({
    code: "CONFIG_TOOL_MISSING",
    message:
      error === undefined
        ? `the image cannot be built from ${folder}: see above; it wants a checkout after npm ci, dpkg-deb and xz`
        : "the image cannot be built: npm cannot be started",
    cause: error,
  });
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
