/** `adyton verify … --from-source FOLDER`: builds the image from a checkout and compares what the evidence shows with it. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { VerifiedEvidence } from "../../attestation/index.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { ConfigError, InputError } from "../../protocol/errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { measureImage, PLATFORMS, type MeasureOptions, type Register } from "../image/measurement.ts";
import { registersOf } from "./evidence-registers.ts";
import type { ReportedCheck, VerifyOutcome } from "./report.ts";

export interface SourceOptions extends MeasureOptions {
  readonly fromSource?: string;
  readonly platform?: string;
  readonly behaviour?: string;
}

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
  const message = `${different.name.replace("source: ", "")} is not what these sources give: another image runs there, or other firmware or options started it`;
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
  const image = mkdtempSync(join(tmpdir(), "adyton-from-source-"));
  try {
    build(folder, image, options.behaviour);
    const { registers } = measureImage(platform, image, options);
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

/** By npm, so that the checkout's own Node runs the build: its bytes depend on it. */
function build(folder: string, out: string, behaviour: string | undefined): void {
  const chosen = behaviour === undefined ? [] : ["--behaviour", behaviour];
  const args = ["run", "--silent", "build:image", "--", "--out", out, ...chosen];
  const { status, error } = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  throw new ConfigError({
    code: "CONFIG_TOOL_MISSING",
    message: `the image cannot be built from ${folder}: see above; it wants a checkout after npm ci, dpkg-deb and xz`,
    cause: error,
  });
}

function usage(message: string): InputError {
  return new InputError({ code: "INPUT_INVALID", message });
}
