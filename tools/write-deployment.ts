/**
 * `npm run deployment:write -- --behaviour FILE --operator FILE --node-image NAME@sha256:… [--enclave-image NAME@sha256:…]
 * [--out FOLDER]`: what puts the bundle of `npm run build:enclave` into dstack, every digest filled in, and the reference values
 * that follow from it. docs/how-to/deploy-dstack.md. Machines of one's own need no such files: `npm run build:image`.
 */

import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { readConfiguration } from "../enclave/configuration/read-configuration.ts";
import { SOFTWARE_VERSION } from "../enclave/version.ts";
import { keccakText } from "../protocol/struct-hash.ts";
import { enclaveAppCompose } from "./deployment/app-compose.ts";

const root = join(import.meta.dirname, "..");
const templates = join(root, "enclave/deploy");
const PINNED = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

const { values } = parseArgs({
  options: {
    behaviour: { type: "string" },
    operator: { type: "string" },
    "node-image": { type: "string" },
    "enclave-image": { type: "string" },
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
function pinned(option: "node-image" | "enclave-image"): string | null {
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

const configuration = readConfiguration(behaviourBytes, operatorBytes);
const bundle = readFileSync(join(values.image, "enclave.mjs"));
const manifest = JSON.parse(readFileSync(join(values.image, "manifest.json"), "utf8")) as { sha256: string };
if (sha256(bundle) !== manifest.sha256) fail("enclave.mjs is not the one of its manifest: build it again");

rmSync(values.out, { recursive: true, force: true });
const write = (name: string, content: Uint8Array | string, mode = 0o644): string => {
  const file = join(values.out, name);
  createFolder(join(file, ".."));
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
  const appCompose = JSON.stringify(enclaveAppCompose(compose));
  write("dstack/docker-compose.yaml", compose);
  write("dstack/app-compose.json", appCompose);
  referenceValues["dstackComposeHash"] = `0x${sha256(appCompose)}`;
}

write("build.sh", `#!/bin/sh\nset -eu\ncd "$(dirname "$0")"\n${build.join("\n")}\n`, 0o755);
write("reference-values.json", `${JSON.stringify(referenceValues, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(referenceValues, null, 2)}\n`);
