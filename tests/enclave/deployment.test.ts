/** What `npm run deployment:write` makes: every image by digest, nothing left to fill in, and the reference values that follow. */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createThrowawayAuthority } from "../../devnet/throwaway-authority.ts";
import { readConfiguration } from "../../enclave/configuration/read-configuration.ts";
import { enclaveCommand } from "../../tools/image/initrd.ts";
import { behaviourFile, operatorFile } from "./support/configuration.ts";

const root = join(import.meta.dirname, "..", "..");
const NODE_IMAGE = `node@sha256:${"1a".repeat(32)}`;
const ENCLAVE_IMAGE = `registry.example/adyton-enclave@sha256:${"2b".repeat(32)}`;

let folder: string;
let out: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "adyton-deployment-"));
  out = join(folder, "out");
  const { certificate } = await createThrowawayAuthority(new Date());
  const behaviour = behaviourFile(
    { url: "https://models.example:8443/v1", certificateAuthority: certificate },
    { time: { source: "host-clock-for-testing" } },
  );
  writeFileSync(join(folder, "behaviour.json"), JSON.stringify(behaviour));
  writeFileSync(join(folder, "operator.json"), JSON.stringify(operatorFile()));
  const built = run("tools/build-enclave.ts", ["--out", join(folder, "image")]);
  expect(built.stderr).toBe("");
  const written = write();
  expect(written).toMatchObject({ stderr: "", status: 0 });
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function run(
  tool: string,
  args: readonly string[],
): { stdout: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, tool), ...args]);
  return { stdout: stdout.toString(), stderr: stderr.toString(), status };
}

function write(change: Readonly<Record<string, string>> = {}): ReturnType<typeof run> {
  const options = {
    behaviour: join(folder, "behaviour.json"),
    operator: join(folder, "operator.json"),
    "node-image": NODE_IMAGE,
    "enclave-image": ENCLAVE_IMAGE,
    image: join(folder, "image"),
    out,
    ...change,
  };
  return run(
    "tools/write-deployment.ts",
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  );
}

const read = (name: string): string => readFileSync(join(out, name), "utf8");
const values = (): Record<string, string> =>
  JSON.parse(read("reference-values.json")) as Record<string, string>;

/** The command that an image or a unit runs, with this machine's paths for the image's. */
function onThisMachine(command: readonly string[]): readonly string[] {
  const here: Readonly<Record<string, string>> = {
    "/usr/local/bin/node": process.execPath,
    "/usr/bin/node": process.execPath,
    "enclave.mjs": join(out, "image/enclave.mjs"),
    "behaviour.json": join(folder, "behaviour.json"),
    "operator.json": join(folder, "operator.json"),
  };
  return command.map((word) => here[word] ?? here[word.slice(word.lastIndexOf("/") + 1)] ?? word);
}

function entrypoint(): readonly string[] {
  const [, text = "[]"] = /^ENTRYPOINT (.*)$/m.exec(read("image/Containerfile")) ?? [];
  return JSON.parse(text) as string[];
}

describe("a deployment", () => {
  test("names every image by digest, and leaves nothing to fill in", () => {
    const files = globSync("**/*", { cwd: out }).filter((name) =>
      /(?:yaml|json|sh|conf|service|Containerfile)$/.test(name),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const name of files) expect(read(name), name).not.toMatch(/\{\{|REPLACE/);
    const images = [...read("dstack/docker-compose.yaml").matchAll(/image: "?([^"\s]+)/g)].map(
      ([, image]) => image,
    );
    expect(images).toEqual([ENCLAVE_IMAGE]);
    const bases = [...read("image/Containerfile").matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    for (const base of bases) expect(base).toMatch(/^\$\{[A-Z]+_IMAGE\}$/);
    const given = [...read("build.sh").matchAll(/_IMAGE=(\S+)/g)].map(([, image]) => image);
    expect(given).toEqual([NODE_IMAGE]);
  });

  test("is the same, byte for byte, when it is written again", () => {
    const digest = (): string => {
      const hash = createHash("sha256");
      for (const name of globSync("**/*", { cwd: out, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort())
        hash.update(name).update(readFileSync(name));
      return hash.digest("hex");
    };
    const before = digest();
    expect(write().status).toBe(0);
    expect(digest()).toBe(before);
  });

  test("computes the reference values that its files have", () => {
    const sha256 = (name: string): string =>
      createHash("sha256")
        .update(readFileSync(join(out, name)))
        .digest("hex");
    const configuration = readConfiguration(
      readFileSync(join(folder, "behaviour.json")),
      readFileSync(join(folder, "operator.json")),
    );
    expect(values()).toMatchObject({
      bundleSha256: sha256("image/enclave.mjs"),
      dstackComposeHash: `0x${sha256("dstack/app-compose.json")}`,
      behaviourDigest: configuration.behaviourDigest,
      operatorDigest: configuration.operatorDigest,
    });
    const compose = (JSON.parse(read("dstack/app-compose.json")) as { docker_compose_file: string })
      .docker_compose_file;
    expect(compose).toBe(read("dstack/docker-compose.yaml"));
  });

  test(
    "starts the enclave whose keyset has that behaviour, by the image's own command",
    { timeout: 60_000 },
    async () => {
      const [command = "", ...args] = onThisMachine(entrypoint());
      const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
      try {
        const line = await new Promise<string>((resolve) =>
          createInterface(child.stdout).once("line", resolve),
        );
        const { url } = JSON.parse(line) as { url: string };
        const attestation = spawnSync(process.execPath, [
          "-e",
          `require("node:https").get("${url}/v1/attestation?nonce=0x${"00".repeat(32)}", { rejectUnauthorized: false }, (response) => response.pipe(process.stdout))`,
        ]);
        const { keyset } = JSON.parse(attestation.stdout.toString()) as { keyset: Record<string, string> };
        expect(keyset).toMatchObject({
          behaviourDigest: values()["behaviourDigest"],
          operatorDigest: values()["operatorDigest"],
          softwareVersionHash: values()["softwareVersionHash"],
        });
      } finally {
        child.kill();
      }
    },
  );

  test("starts it in the same way in a container and in the image", () => {
    const [, , ...command] = entrypoint();
    expect(command).toEqual(enclaveCommand("/usr/local/bin/node", "/adyton/operator/operator.json"));
  });

  test("brings the operator's file into dstack by its user config, and no environment, script or foreign key", () => {
    const appCompose = JSON.parse(read("dstack/app-compose.json")) as Record<string, unknown>;
    expect(read("dstack/docker-compose.yaml")).toContain(
      "- /dstack/.host-shared/.user-config:/adyton/operator/operator.json:ro",
    );
    expect(appCompose).toMatchObject({
      manifest_version: 2,
      key_provider: "none",
      kms_enabled: false,
      gateway_enabled: false,
      public_tcbinfo: true,
      allowed_envs: [],
    });
    expect(Object.keys(appCompose)).not.toContain("pre_launch_script");
    expect(Object.keys(appCompose)).not.toContain("init_script");
  });

  test("has scripts that a shell reads", () => {
    const scripts = [
      "direct/start-tdx.sh",
      "direct/start-snp.sh",
      "gcp/start.sh",
      "gcp/write-disk.sh",
      "local/start.sh",
    ];
    for (const script of [
      join(out, "build.sh"),
      ...scripts.map((name) => join(root, "enclave/deploy", name)),
    ])
      expect(spawnSync("sh", ["-n", script]).stderr.toString(), script).toBe("");
  });

  test.for<[string, Readonly<Record<string, string>>]>([
    ["an image by tag", { "node-image": "node:24" }],
    ["an image by tag, for the enclave", { "enclave-image": "registry.example/adyton-enclave:latest" }],
    ["a digest that is none", { "enclave-image": "registry.example/adyton-enclave@sha256:abc" }],
  ])("refuses %s", ([, change]) => {
    expect(write({ ...change, out: join(folder, "refused") })).toMatchObject({ status: 1 });
  });

  test("refuses a bundle that is not its manifest's", () => {
    const image = join(folder, "changed");
    expect(run("tools/build-enclave.ts", ["--out", image]).status).toBe(0);
    writeFileSync(join(image, "enclave.mjs"), `${readFileSync(join(image, "enclave.mjs"), "utf8")}\n`);
    expect(write({ image, out: join(folder, "refused") })).toMatchObject({ status: 1 });
  });
});
