/**
 * `npm run deployment:write -- --behaviour FILE --operator FILE --node-image NAME@sha256:… [--enclave-image NAME@sha256:…]
 * [--compiler-image NAME@sha256:…] [--debian-snapshot 20260101T000000Z] [--out FOLDER]`: what puts the bundle of
 * `npm run build:enclave` into dstack, a TDX or SEV-SNP machine, and a Nitro enclave, every digest filled in, and the
 * reference values that follow from it. docs/how-to/reference-values.md.
 */

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Behaviour } from "../enclave/configuration/behaviour.ts";
import { readConfiguration } from "../enclave/configuration/read-configuration.ts";
import { SOFTWARE_VERSION } from "../enclave/version.ts";
import { keccakText } from "../protocol/struct-hash.ts";

const root = join(import.meta.dirname, "..");
const templates = join(root, "enclave/deploy");
const PINNED = /^[^\s@]+@sha256:[0-9a-f]{64}$/;
const SNAPSHOT = /^\d{8}T\d{6}Z$/;
/** First vsock port of the parent's proxies; the next servers follow. */
const FIRST_VSOCK_PORT = 8_001;

const { values } = parseArgs({
  options: {
    behaviour: { type: "string" },
    operator: { type: "string" },
    "node-image": { type: "string" },
    "enclave-image": { type: "string" },
    "compiler-image": { type: "string" },
    "debian-snapshot": { type: "string" },
    image: { type: "string", default: join(root, "dist/enclave-image") },
    out: { type: "string", default: join(root, "dist/deployment") },
  },
});

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function required(option: "behaviour" | "operator" | "node-image"): string {
  return values[option] ?? fail(`--${option} is missing`);
}

/** An image by digest: a tag is whatever its owner says today. */
function pinned(option: "node-image" | "enclave-image" | "compiler-image"): string | null {
  const image = values[option];
  if (image === undefined) return null;
  return PINNED.test(image) ? image : fail(`--${option}: expected NAME@sha256:…, and not a tag`);
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

function fill(template: string, fields: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(templates, template), "utf8");
  return text.replaceAll(/\{\{([A-Z_]+)\}\}/g, (_, name: string) => {
    const value = fields[name];
    return value ?? fail(`${template}: nothing is known for ${name}`);
  });
}

const behaviourBytes = readFileSync(required("behaviour"));
const operatorBytes = readFileSync(required("operator"));
const nodeImage = pinned("node-image") ?? fail("--node-image is missing");
const enclaveImage = pinned("enclave-image");
const compilerImage = pinned("compiler-image");
const snapshot = values["debian-snapshot"] ?? null;
if (snapshot !== null && !SNAPSHOT.test(snapshot)) fail("--debian-snapshot: expected 20260101T000000Z");

const configuration = readConfiguration(behaviourBytes, operatorBytes);
const bundle = readFileSync(join(values.image, "enclave.mjs"));
const manifest = JSON.parse(readFileSync(join(values.image, "manifest.json"), "utf8")) as { sha256: string };
if (sha256(bundle) !== manifest.sha256) fail("enclave.mjs is not the one of its manifest: build it again");

rmSync(values.out, { recursive: true, force: true });
const write = (name: string, content: Uint8Array | string, mode = 0o644): string => {
  const file = join(values.out, name);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content, { mode });
  return file;
};

const build: string[] = [];
write("image/Containerfile", readFileSync(join(templates, "Containerfile")));
write("image/enclave.mjs", bundle);
write("image/behaviour.json", behaviourBytes);
build.push(
  `# the image; push it, and name it by its digest as --enclave-image`,
  `SOURCE_DATE_EPOCH=0 docker buildx build image --build-arg NODE_IMAGE=${nodeImage} --provenance=false --output type=oci,dest=enclave.tar,rewrite-timestamp=true`,
);

const referenceValues: Record<string, string> = {
  softwareVersion: SOFTWARE_VERSION,
  softwareVersionHash: keccakText(SOFTWARE_VERSION),
  bundleSha256: manifest.sha256,
  behaviourDigest: configuration.behaviourDigest,
  operatorDigest: configuration.operatorDigest,
};

if (enclaveImage !== null) {
  const compose = fill("dstack/docker-compose.yaml", { ENCLAVE_IMAGE: enclaveImage });
  // Nothing of the host's gets in: no environment, no gateway that ends TLS, no key but those born inside.
  const appCompose = JSON.stringify({
    allowed_envs: [],
    docker_compose_file: compose,
    gateway_enabled: false,
    key_provider_id: "",
    kms_enabled: false,
    local_key_provider_enabled: false,
    manifest_version: 2,
    name: "adyton-enclave",
    no_instance_id: false,
    public_logs: false,
    public_sysinfo: false,
    runner: "docker-compose",
    secure_time: false,
  });
  write("dstack/docker-compose.yaml", compose);
  write("dstack/app-compose.json", appCompose);
  referenceValues["dstackComposeHash"] = `0x${sha256(appCompose)}`;
}

if (snapshot !== null) {
  write("vm/mkosi.conf", fill("vm/mkosi.conf", { DEBIAN_SNAPSHOT: snapshot }));
  write("vm/tree/usr/lib/adyton/enclave.mjs", bundle);
  write("vm/tree/usr/lib/adyton/behaviour.json", behaviourBytes);
  const unit = readFileSync(join(templates, "vm/adyton-enclave.service"));
  write("vm/tree/usr/lib/systemd/system/adyton-enclave.service", unit);
  write(
    "vm/tree/usr/lib/systemd/system-preset/10-adyton.preset",
    "enable adyton-enclave.service\ndisable *\n",
  );
  build.push(
    `# the machine: Node of the same image, then one file that holds everything`,
    `mkdir -p vm/tree/usr/bin`,
    `docker create --name adyton-node ${nodeImage} && docker cp adyton-node:/usr/local/bin/node vm/tree/usr/bin/node && docker rm adyton-node`,
    `mkosi --directory vm build`,
  );
}

if (enclaveImage !== null && compilerImage !== null && snapshot !== null) {
  const servers = serversOf(Behaviour.parse(JSON.parse(behaviourBytes.toString("utf8"))));
  const forwards = servers.map(
    ({ host, port }, index) => `forward ${host} 127.0.1.${index + 1} ${port} ${FIRST_VSOCK_PORT + index}`,
  );
  cpSync(join(templates, "nitro/nsm.c"), join(values.out, "nitro/nsm.c"));
  write("nitro/Containerfile", readFileSync(join(templates, "nitro/Containerfile")));
  write("nitro/start.sh", fill("nitro/start.sh", { FORWARDS: forwards.join("\n") }), 0o755);
  write("nitro/operator.json", operatorBytes);
  build.push(
    `# Nitro: the EIF, and on the parent a proxy for each server`,
    `docker build nitro --tag adyton-enclave-nitro --build-arg COMPILER_IMAGE=${compilerImage} --build-arg ENCLAVE_IMAGE=${enclaveImage} --build-arg DEBIAN_SNAPSHOT=${snapshot}`,
    `nitro-cli build-enclave --docker-uri adyton-enclave-nitro --output-file adyton-enclave.eif`,
    ...servers.map(({ host, port }, index) => `vsock-proxy ${FIRST_VSOCK_PORT + index} ${host} ${port} &`),
    `socat TCP-LISTEN:8443,fork,reuseaddr VSOCK-CONNECT:"$ENCLAVE_CID":8443 &`,
  );
}

/** Every server that the behaviour file names, once; those on the enclave's own loopback need no way out. */
function serversOf(behaviour: Behaviour): readonly { readonly host: string; readonly port: number }[] {
  const urls = [
    ...Object.values(behaviour.providers).map(({ baseUrl }) => baseUrl),
    ...(behaviour.time.source === "hosts" ? behaviour.time.urls : []),
  ].filter((url) => url.startsWith("https:"));
  const servers = new Map(
    urls.map((text) => {
      const { hostname, port } = new URL(text);
      return [`${hostname}:${port}`, { host: hostname, port: port === "" ? 443 : Number(port) }];
    }),
  );
  return [...servers.values()];
}

write("build.sh", `#!/bin/sh\nset -eu\ncd "$(dirname "$0")"\n${build.join("\n")}\n`, 0o755);
write("reference-values.json", `${JSON.stringify(referenceValues, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(referenceValues, null, 2)}\n`);
