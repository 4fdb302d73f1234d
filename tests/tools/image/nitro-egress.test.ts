/** Where an enclave of Nitro goes: what the behaviour file names, in AWS's form, and as the parent's script reads it. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Behaviour, type BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { nitroEgress, proxyAllowList } from "../../../tools/image/nitro-egress.ts";
import { behaviourFile } from "../../enclave/support/configuration.ts";

const ROOT = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "adyton-nitro-egress-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";

function behaviourOf(providers: readonly string[], clocks: readonly string[]): Behaviour {
  const file: BehaviourFile = behaviourFile({
    url: "https://one.example/v1",
    certificateAuthority: CERTIFICATE,
  });
  const [provider] = Object.values(file.providers);
  const named = providers.map((baseUrl, index) => [`p${index}`, { ...provider!, baseUrl }] as const);
  return Behaviour.parse({
    ...file,
    time: { source: "hosts", urls: clocks, quorum: 1 },
    providers: Object.fromEntries(named),
  });
}

test("each host and port that the behaviour file names has a port of the parent's, in one order; addresses have none", () => {
  const behaviour = behaviourOf(
    ["https://b.example/v1", "https://a.example:8443/v1", "https://b.example/v2", "https://192.0.2.7/v1"],
    ["https://clock.example/", "https://a.example/", "https://[2001:db8::1]/"],
  );
  expect(nitroEgress(behaviour)).toEqual([
    { host: "a.example", port: 443, vsockPort: 20_000 },
    { host: "a.example", port: 8443, vsockPort: 20_001 },
    { host: "b.example", port: 443, vsockPort: 20_002 },
    { host: "clock.example", port: 443, vsockPort: 20_003 },
  ]);
});

test("more hosts than the image has room for are refused with their number", () => {
  const many = Array.from({ length: 33 }, (_, index) => `https://h${index}.example/v1`);
  expect(() => nitroEgress(behaviourOf(many, ["https://h0.example/"]))).toThrow("33 hosts");
});

test("the parent starts a proxy of AWS's for each, the enclave, and the ways for the operator's file and callers", () => {
  const hosts = nitroEgress(behaviourOf(["https://a.example/v1"], ["https://clock.example:444/"]));
  writeFileSync(join(folder, "nitro-proxy.yaml"), proxyAllowList(hosts));
  expect(readFileSync(join(folder, "nitro-proxy.yaml"), "utf8")).toBe(
    "allowlist:\n- {address: a.example, port: 443}\n- {address: clock.example, port: 444}\n",
  );
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const log = join(folder, "log");
  for (const name of ["vsock-proxy", "nitro-cli", "socat"])
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} "$@" >> ${log}\n`, { mode: 0o755 });
  const script = join(ROOT, "enclave/deploy/nitro/start.sh");
  const { status, stderr } = spawnSync("sh", [script, folder, "operator.json", "4", "2048"], {
    env: { PATH: `${bin}:/usr/bin:/bin` },
  });
  expect([status, stderr.toString()]).toEqual([0, ""]);
  const lines = readFileSync(log, "utf8").trim().split("\n");
  const config = `--config ${folder}/nitro-proxy.yaml -w 64`;
  // The proxies run beside the rest, in any order.
  expect(lines.filter((line) => line.startsWith("vsock-proxy")).sort()).toEqual([
    `vsock-proxy 20000 a.example 443 ${config}`,
    `vsock-proxy 20001 clock.example 444 ${config}`,
  ]);
  expect(lines.filter((line) => !line.startsWith("vsock-proxy"))).toEqual([
    `nitro-cli run-enclave --eif-path ${folder}/adyton.eif --cpu-count 4 --memory 2048 --enclave-cid 16`,
    "socat -u FILE:operator.json VSOCK-CONNECT:16:7000,retry=30,interval=1",
    "socat TCP-LISTEN:8443,fork,reuseaddr VSOCK-CONNECT:16:8443",
  ]);
});
