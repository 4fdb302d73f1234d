/**
 * `adyton verify --from-source`: the image of a checkout is built and compared, register by register. The checkout here stands in for
 * one of Adyton: its `build:image` copies an image of twins. That two real builds give the same bytes is in tests/image/build.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { measureImage } from "../../../cli/image/measurement.ts";
import { verifyEvidenceCommand } from "../../../cli/verify/evidence-command.ts";
import { SIMULATED_MEASUREMENTS } from "../../../enclave/attesters/simulator/simulator-attester.ts";
import { toUtf8, type Hex } from "../../../protocol/bytes.ts";
import { twinKernel } from "../../image/support/vectors.ts";
import { SIMULATED_TIME, simulatedQuote } from "../../support/simulated-evidence.ts";

const folder = mkdtempSync(join(tmpdir(), "adyton-from-source-test-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const checkout = join(folder, "checkout");
const built = join(folder, "built.json");

/** The builder: what it was asked goes to a file, and the twins to `--out`. */
const BUILDER = `
import { cpSync, writeFileSync } from "node:fs";
const args = process.argv.slice(2);
writeFileSync(${JSON.stringify(built)}, JSON.stringify(args));
cpSync("image", args[args.indexOf("--out") + 1], { recursive: true });
`;

function writeCheckout(at: string, { name = "adyton", builder = BUILDER } = {}): string {
  mkdirSync(join(at, "image"), { recursive: true });
  mkdirSync(join(at, "node_modules"), { recursive: true });
  writeFileSync(
    join(at, "package.json"),
    JSON.stringify({ name, scripts: { "build:image": "node build.mjs" } }),
  );
  writeFileSync(join(at, "build.mjs"), builder);
  writeFileSync(join(at, "image/vmlinuz"), twinKernel());
  writeFileSync(join(at, "image/initrd.zst"), toUtf8("an initrd"));
  writeFileSync(join(at, "image/cmdline"), "panic=-1");
  return at;
}

beforeEach(() => {
  // What a reader who waits is told.
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  rmSync(built, { force: true });
  rmSync(checkout, { recursive: true, force: true });
  writeCheckout(checkout);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const MRTD = SIMULATED_MEASUREMENTS.mrTd;
const OPTIONS = { platform: "tdx", mrtd: MRTD, rtmr0: "any" };

/** A simulated TD that runs the checkout's image as it was first. */
async function verify(options: Readonly<Record<string, string>>): ReturnType<typeof verifyEvidenceCommand> {
  const original = writeCheckout(join(folder, "original"));
  const { registers } = measureImage("tdx", join(original, "image"), { mrtd: MRTD, rtmr0: "any" });
  const register = (name: string): Hex => (registers[name] as readonly Hex[])[0]!;
  const measurements = { rtMr1: register("RTMR1"), rtMr2: register("RTMR2"), rtMr3: register("RTMR3") };
  const bytes = await simulatedQuote(new Uint8Array(64), {
    measurements: { ...SIMULATED_MEASUREMENTS, ...measurements },
  });
  return await verifyEvidenceCommand({ name: "quote.bin", bytes }, { time: SIMULATED_TIME, ...options });
}

const asked = (): readonly string[] | null => {
  try {
    return JSON.parse(readFileSync(built, "utf8")) as string[];
  } catch {
    return null;
  }
};

describe("a machine", () => {
  test("that runs the sources' image is told so, register by register, and what is waived as well", async () => {
    const { exitCode, report } = await verify({ ...OPTIONS, fromSource: checkout });
    expect(exitCode).toBe(4);
    const checks = report.checks.filter(({ name }) => name.startsWith("source: "));
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ["source: MRTD", "holds"],
      ["source: RTMR0", "left open"],
      ["source: RTMR1", "holds"],
      ["source: RTMR2", "holds"],
      ["source: RTMR3", "holds"],
    ]);
  });

  test.for<[string, string, string]>([
    [
      "command line",
      "cmdline",
      "RTMR2 is not what these sources give: it has the command line and the initrd",
    ],
    ["initrd", "initrd.zst", "RTMR2 is not what these sources give: it has the command line and the initrd"],
    ["kernel", "vmlinuz", "RTMR1 is not what these sources give: it has the kernel"],
  ])(
    "that runs another %s is refused, with the first register that differs and what it has",
    async ([, file, message]) => {
      const path = join(checkout, "image", file);
      const bytes = readFileSync(path);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(path, bytes);
      const { exitCode, report } = await verify({ ...OPTIONS, fromSource: checkout });
      expect(exitCode).toBe(2);
      expect(report.error).toMatchObject({ code: "APPRAISAL_MEASUREMENT_UNKNOWN" });
      expect(report.error?.message).toContain(message);
    },
  );

  test("whose firmware is another is refused by MRTD", async () => {
    const { report } = await verify({ ...OPTIONS, mrtd: "ab".repeat(48), fromSource: checkout });
    expect(report.error?.message).toContain("MRTD is not what these sources give: it has the firmware");
  });
});

test("files are the caller's, wherever the build runs", async () => {
  const files = { behaviour: "b.json", packages: "debs", nitroKernel: "bzImage", nitroDriver: "nsm.ko" };
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  await verify({ ...OPTIONS, ...files, fromSource: checkout });
  expect(said).toHaveBeenCalledWith(`building the image from ${checkout}: some minutes\n`);
  expect(asked()?.slice(2)).toEqual([
    ...["--behaviour", resolve("b.json"), "--packages", resolve("debs")],
    ...["--nitro-kernel", resolve("bzImage"), "--nitro-driver", resolve("nsm.ko")],
  ]);
});

describe("nothing is built", () => {
  test.for<[string, () => Readonly<Record<string, string>>, number, RegExp]>([
    ["for a platform that the evidence is not of", () => ({ platform: "snp" }), 64, /no registers of snp/u],
    ["for no platform", () => ({ platform: "vmware" }), 64, /--from-source wants --platform/u],
    ["without the firmware's value", () => ({ mrtd: "12" }), 64, /--mrtd wants the 48 bytes/u],
    [
      "from a folder that is not there",
      () => ({ fromSource: join(folder, "nowhere") }),
      64,
      /there is no .*nowhere/u,
    ],
    ["from a file", () => ({ fromSource: join(checkout, "build.mjs") }), 64, /cannot read/u],
    [
      "from another project",
      () => ({ fromSource: writeCheckout(join(folder, "other"), { name: "other" }) }),
      64,
      /name/u,
    ],
    [
      "from a checkout without its packages",
      () => {
        rmSync(join(checkout, "node_modules"), { recursive: true });
        return {};
      },
      64,
      /run npm ci there first/u,
    ],
  ])("%s", async ([, change, exitCode, message]) => {
    const { exitCode: code, report } = await verify({ ...OPTIONS, fromSource: checkout, ...change() });
    expect(code).toBe(exitCode);
    expect(report.error?.message).toMatch(message);
    expect(asked()).toBeNull();
  });
});

test("a build that fails is no verdict", async () => {
  writeFileSync(join(checkout, "build.mjs"), "process.exit(1)");
  const { exitCode, report } = await verify({ ...OPTIONS, fromSource: checkout });
  expect(exitCode).toBe(69);
  expect(report.error).toMatchObject({ code: "CONFIG_TOOL_MISSING" });
});
