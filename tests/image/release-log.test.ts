import { ed25519 } from "@noble/curves/ed25519.js";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findRelease, verifyReleaseLog, type Release, type ReleaseLog } from "../../image/release-log.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { signLogHead } from "../../protocol/receipt-log.ts";
import { formatVerifierKey, parseVerifierKey } from "../../protocol/verifier-key.ts";

const NAME = "adyton.example/releases";
const KEY = new Uint8Array(32).fill(7);
const verifier = { name: NAME, publicKey: ed25519.getPublicKey(KEY) };
const register = (byte: string): Hex => `0x${byte.repeat(48)}`;

function release(version: string, pcr0: Hex): Release {
  const registers = { PCR0: [pcr0], PCR2: [register("22")] };
  return {
    version,
    commit: "c".repeat(40),
    manifestSha256: "d".repeat(64),
    measurements: [
      { platform: "nitro", registers },
      { platform: "tdx", registers: { MRTD: [register("33"), register("44")], RTMR0: "any", RTMR2: [pcr0] } },
    ],
  };
}

const lines = [release("1.0.0", register("aa")), release("1.1.0", register("bb"))].map((entry) =>
  JSON.stringify(entry),
);
const log: ReleaseLog = { lines, checkpoint: signLogHead(lines, NAME, KEY) };

describe("a release log", () => {
  test("is read as it was signed", () => {
    expect(verifyReleaseLog(log, verifier).map(({ version }) => version)).toEqual(["1.0.0", "1.1.0"]);
    expect(log.checkpoint).toMatch(
      /^adyton\.example\/releases\n2\n[A-Za-z0-9+/]{43}=\n\n— adyton\.example\/releases \S+\n$/,
    );
  });

  test("may be cosigned: lines of others are left alone", () => {
    const checkpoint = `${log.checkpoint}— witness.example ${Buffer.alloc(76).toString("base64")}\n`;
    expect(verifyReleaseLog({ lines, checkpoint }, verifier)).toHaveLength(2);
  });

  test.for<[string, Partial<ReleaseLog>, string]>([
    ["a release is missing", { lines: lines.slice(0, 1) }, "EVIDENCE_BINDING_MISMATCH"],
    ["a release was added", { lines: [...lines, lines[0]!] }, "EVIDENCE_BINDING_MISMATCH"],
    ["two changed places", { lines: lines.toReversed() }, "EVIDENCE_BINDING_MISMATCH"],
    [
      "a byte of one changed",
      { lines: [lines[0]!.replace("1.0.0", "1.0.1"), lines[1]!] },
      "EVIDENCE_BINDING_MISMATCH",
    ],
    [
      "the size was changed",
      { checkpoint: log.checkpoint.replace("\n2\n", "\n1\n") },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "another name signed",
      { checkpoint: signLogHead(lines, "other.example", KEY) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "another key signed",
      { checkpoint: signLogHead(lines, NAME, new Uint8Array(32).fill(8)) },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    [
      "there is no signature",
      { checkpoint: log.checkpoint.replace(/— .*\n/, "") },
      "EVIDENCE_SIGNATURE_INVALID",
    ],
    ["there is nothing", { checkpoint: "" }, "EVIDENCE_MALFORMED"],
  ])("is refused when %s", ([, change, code]) => {
    expect(() => verifyReleaseLog({ ...log, ...change }, verifier)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("is refused at any bit of its checkpoint that changes what is said", () => {
    const bytes = Buffer.from(log.checkpoint);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const checkpoint = changed.toString("utf8");
      let releases: readonly Release[] = [];
      try {
        releases = verifyReleaseLog({ lines, checkpoint }, verifier);
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^EVIDENCE_/);
      }
      // The end of the signature's line may change, and nothing that was signed.
      if (releases.length > 0) expect(checkpoint.slice(0, -2)).toBe(log.checkpoint.slice(0, -2));
    }
  });

  test("an entry that is no release is refused, although it was signed", () => {
    const wrong = ['{"version":"1"}'];
    const signed = { lines: wrong, checkpoint: signLogHead(wrong, NAME, KEY) };
    expect(() => verifyReleaseLog(signed, verifier)).toThrow(
      expect.objectContaining({ code: "EVIDENCE_MALFORMED" }),
    );
  });
});

describe("the key of a log", () => {
  test("is read as it was written", () => {
    expect(parseVerifierKey(formatVerifierKey(verifier))).toEqual(verifier);
  });

  test.for([
    "",
    "name",
    "name+00000000+AAAA",
    formatVerifierKey(verifier).replace(/\+[0-9a-f]{8}\+/, "+00000000+"),
  ])("%s is refused", (text) => {
    expect(() => parseVerifierKey(text)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

describe("a measurement", () => {
  const releases = verifyReleaseLog(log, verifier);
  const tdx = { MRTD: register("44"), RTMR0: register("99"), RTMR2: register("bb") };

  test("is of the release that has all of its registers", () => {
    expect(findRelease(releases, ["nitro"], { PCR0: register("aa"), PCR2: register("22") })?.index).toBe(0);
    expect(findRelease(releases, ["tdx", "tdx-uki"], tdx)?.release.version).toBe("1.1.0");
  });

  test.for<[string, readonly string[], Record<string, Hex | undefined>]>([
    ["of another register", ["tdx"], { ...tdx, RTMR2: register("cc") }],
    ["without a register", ["tdx"], { ...tdx, MRTD: undefined }],
    ["of another platform", ["snp"], tdx],
  ])("is of none %s", ([, platforms, registers]) => {
    expect(findRelease(releases, platforms, registers)).toBeNull();
  });
});

describe("npm run release:append", () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-releases-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const tool = join(import.meta.dirname, "../../tools/append-release.ts");
  const append = (
    version: string,
    change: Readonly<Record<string, string>> = {},
  ): { status: number | null; stdout: string; stderr: string } => {
    writeFileSync(join(folder, "manifest.json"), "{}");
    writeFileSync(
      join(folder, "measured.json"),
      JSON.stringify({ platform: "nitro", registers: { PCR0: [register("aa")] }, registry: null }),
    );
    const options = {
      log: join(folder, "log"),
      name: NAME,
      key: join(folder, "key"),
      version,
      commit: "e".repeat(40),
      image: folder,
      measured: join(folder, "measured.json"),
      ...change,
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...args]);
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };

  test("continues a log, gives the key to verify it with, and refuses one that was changed", () => {
    const first = append("1.0.0");
    expect(first).toMatchObject({ status: 0, stderr: "" });
    const second = append("1.1.0");
    expect(second.stdout).toBe(first.stdout);
    const read = (name: string): string => readFileSync(join(folder, "log", name), "utf8");
    const written = { lines: read("releases.jsonl").trim().split("\n"), checkpoint: read("checkpoint") };
    const versions = verifyReleaseLog(written, parseVerifierKey(second.stdout)).map(({ version }) => version);
    expect(versions).toEqual(["1.0.0", "1.1.0"]);
    writeFileSync(join(folder, "log/releases.jsonl"), `${written.lines[1] ?? ""}\n`);
    expect(append("1.2.0").status).toBe(1);
  });

  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test.for<[string, () => Readonly<Record<string, string>>, RegExp]>([
    ["a key that is none", () => ({ key: write("bad-key", "0x12") }), /bad-key has no key/u],
    ["a commit that is none", () => ({ commit: "main" }), /^release:append: commit: /u],
    ["no version", () => ({ version: "" }), /^release:append: version: /u],
    [
      "a folder without an image",
      () => ({ image: join(folder, "nowhere") }),
      /cannot read .*manifest\.json/u,
    ],
    ["measurements cut short", () => ({ measured: write("cut", '{"platform":') }), /cut is not what/u],
    [
      "measurements of another form",
      () => ({ measured: write("other", "{}") }),
      /^release:append: measurements/u,
    ],
  ])("refuses %s in one sentence, and writes nothing", ([, change, message]) => {
    const log = join(folder, "untouched");
    const { status, stdout, stderr } = append("2.0.0", { log, ...change() });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(log)).toBe(false);
  });
});
