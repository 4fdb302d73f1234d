/**
 * `npm run release:append -- --log FOLDER --name NAME --key FILE --version V --commit HASH --image FOLDER --measured FILE…`: adds a
 * release to a log, from the image's manifest and what `adyton image measure --json` printed for each platform, and signs the new
 * head. FILE has 64 hex digits, an Ed25519 key; it is made where it is not there. Prints the key that `adyton verify` takes.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createFolder } from "../endorsements/files/create-folder.ts";
import { Release, verifyReleaseLog } from "../image/release-log.ts";
import { AdytonError } from "../protocol/errors.ts";
import { refusedField } from "../protocol/fields.ts";
import { signLogHead } from "../protocol/receipt-log.ts";
import { formatVerifierKey, type NoteVerifier } from "../protocol/verifier-key.ts";

const { values } = parseArgs({
  options: {
    log: { type: "string" },
    name: { type: "string" },
    key: { type: "string" },
    version: { type: "string" },
    commit: { type: "string" },
    image: { type: "string" },
    measured: { type: "string", multiple: true },
  },
});

function fail(message: string): never {
  process.stderr.write(`release:append: ${message}\n`);
  process.exit(1);
}

function need(option: Exclude<keyof typeof values, "measured">): string {
  return values[option] ?? fail(`--${option} is missing`);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return fail(`cannot read ${file}`);
  }
}

function readKey(file: string): Uint8Array {
  if (!existsSync(file))
    writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  const text = read(file).toString("utf8").trim();
  if (!/^[0-9a-f]{64}$/.test(text)) fail(`${file} has no key: 64 hex digits are expected`);
  return new Uint8Array(Buffer.from(text, "hex"));
}

function readMeasured(file: string): unknown {
  try {
    const { platform, registers } = JSON.parse(read(file).toString("utf8")) as Record<string, unknown>;
    return { platform, registers };
  } catch {
    return fail(`${file} is not what adyton image measure --json prints`);
  }
}

/** Signed lines stay as they were: a log that was changed is not continued. */
function readLog(entries: string, checkpoint: string, verifier: NoteVerifier): string[] {
  if (!existsSync(entries)) return [];
  const lines = read(entries).toString("utf8").split("\n").filter(Boolean);
  try {
    verifyReleaseLog({ lines, checkpoint: read(checkpoint).toString("utf8") }, verifier);
  } catch (error) {
    if (!(error instanceof AdytonError)) throw error;
    fail(`${entries} is not continued: ${error.message}`);
  }
  return lines;
}

const folder = need("log");
const name = need("name");
const entry = Release.safeParse({
  version: need("version"),
  commit: need("commit"),
  manifestSha256: createHash("sha256")
    .update(read(join(need("image"), "manifest.json")))
    .digest("hex"),
  measurements: (values.measured ?? []).map(readMeasured),
});
if (!entry.success) fail(`${refusedField(entry.error)}: ${entry.error.issues[0]?.message ?? ""}`);
const privateKey = readKey(need("key"));
const verifier = { name, publicKey: ed25519.getPublicKey(privateKey) };
createFolder(folder);
const entriesFile = join(folder, "releases.jsonl");
const checkpointFile = join(folder, "checkpoint");
const lines = [...readLog(entriesFile, checkpointFile, verifier), JSON.stringify(entry.data)];
writeFileSync(entriesFile, `${lines.join("\n")}\n`);
writeFileSync(checkpointFile, signLogHead(lines, name, privateKey));
process.stdout.write(`${formatVerifierKey(verifier)}\n`);
