import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { loadOracleConfig } from "../../../oracle/config.ts";
import { OPENAPI } from "../../../oracle/http/openapi.ts";

const FOLDER = resolve(import.meta.dirname, "../../../oracle/deploy");
const MAIN = resolve(import.meta.dirname, "../../../cli/main.ts");
const read = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

const HAS_SYSTEMD = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("the example is a configuration, whose files are named relative to it", async () => {
  const config = await loadOracleConfig(join(FOLDER, "oracle.example.json"));
  expect(config.transmitterKeys).toEqual([
    {
      kind: "keystore",
      file: join(FOLDER, "transmitter.json"),
      passwordFile: join(FOLDER, "transmitter.password"),
    },
  ]);
  expect(config.http.adminTokenFile).toBe(join(FOLDER, "admin.token"));
  const { $schema } = JSON.parse(read("oracle.example.json")) as { $schema: string };
  expect(existsSync(join(FOLDER, $schema))).toBe(true);
});

test("unit and image start a command that there is", () => {
  const [, unit] = /^ExecStart=adyton (.*)$/m.exec(read("adyton-oracle.service")) ?? [];
  const [, command] = /^CMD (\[.*\])$/m.exec(read("Containerfile")) ?? [];
  expect(unit?.split(" ")).toEqual(["oracle", ...(JSON.parse(command!) as string[])]);
  const help = spawnSync(process.execPath, [MAIN, ...unit!.split(" ").slice(0, 2), "--help"], {
    encoding: "utf8",
  });
  expect(help.status).toBe(0);
  expect(help.stdout).toContain("--config <file>");
});

test.runIf(HAS_SYSTEMD)("systemd finds nothing wrong with the unit", () => {
  const folder = mkdtempSync(join(tmpdir(), "adyton-unit-"));
  const file = join(folder, "adyton-oracle.service");
  // The program is not installed here.
  writeFileSync(file, read("adyton-oracle.service").replace("ExecStart=adyton", "ExecStart=/bin/true"));
  const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(stderr.split("\n").filter((line) => line.includes("adyton-oracle"))).toEqual([]);
  expect(status).toBe(0);
});

test("a node that was drained stays down, and one that failed does not", () => {
  // What drains exits with 0, what is killed or fails does not.
  expect(/^Restart=(.*)$/m.exec(read("adyton-oracle.service"))?.[1]).toBe("on-failure");
});

test("compose keeps no log for ever", () => {
  expect(read("compose.yaml")).toMatch(/^ {2}node-1: &node\n(?: {4}.*\n)* {4}logging: .*max-size/m);
});

test("no service of compose has a password that everybody knows", () => {
  const compose = read("compose.yaml");
  const secrets = [...compose.matchAll(/file: \.\/config\/(\S+\.password)/g)].map(([, name]) => name!);
  expect(secrets).toEqual(["postgres.password", "grafana.password"]);
  for (const secret of secrets) {
    expect(compose).toContain(`_FILE: /run/secrets/${secret}`);
    expect(read("README.md")).toContain(`config/${secret}`);
  }
});

test("what compose mounts is there, but for what the operator brings; every image has a version", () => {
  const compose = read("compose.yaml");
  const mounted = [...compose.matchAll(/- (\.\/[^:]+):/g)].map(([, path]) => path!);
  expect(mounted.length).toBeGreaterThan(3);
  for (const path of mounted.filter((one) => one !== "./config"))
    expect(existsSync(join(FOLDER, path)), path).toBe(true);
  const images = [...compose.matchAll(/image: (\S+)/g)].map(([, image]) => image!);
  for (const image of images) expect(image).toMatch(/:v?[0-9]+\.[0-9]+/);
});

test("Prometheus scrapes the nodes of compose where they serve metrics", () => {
  const prometheus = read("prometheus/prometheus.yml");
  const [, path] = /metrics_path: (\S+)/.exec(prometheus) ?? [];
  expect(Object.keys(OPENAPI.paths)).toContain(path);
  const { http } = JSON.parse(read("oracle.example.json")) as { http: { port: number } };
  const services = [...read("compose.yaml").matchAll(/^ {2}(node-[0-9]+):/gm)].map(([, name]) => name!);
  const [, targets] = /targets: (\[.*\])/.exec(prometheus) ?? [];
  expect(JSON.parse(targets!)).toEqual(services.map((name) => `${name}:${http.port}`));
  expect(existsSync(join(FOLDER, "prometheus", /rule_files: \[(\S+)\]/.exec(prometheus)![1]!))).toBe(true);
});
