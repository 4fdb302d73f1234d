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
import { Release, verifyReleaseLog, type Release as ReleaseEntry } from "../image/release-log.ts";
import { signLogHead } from "../protocol/receipt-log.ts";
import { formatVerifierKey } from "../protocol/verifier-key.ts";

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

function need(option: Exclude<keyof typeof values, "measured">): string {
  const value = values[option];
  if (value !== undefined) return value;
  process.stderr.write(`--${option} is missing\n`);
  process.exit(1);
}

function readKey(file: string): Uint8Array {
  if (!existsSync(file))
    writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  return new Uint8Array(Buffer.from(readFileSync(file, "utf8").trim(), "hex"));
}

const folder = need("log");
const name = need("name");
const privateKey = readKey(need("key"));
const verifier = { name, publicKey: ed25519.getPublicKey(privateKey) };
createFolder(folder);
const entriesFile = join(folder, "releases.jsonl");
const checkpointFile = join(folder, "checkpoint");
const lines = existsSync(entriesFile) ? readFileSync(entriesFile, "utf8").split("\n").filter(Boolean) : [];
// Signed lines stay as they were: a log that was changed is not continued.
if (lines.length > 0) verifyReleaseLog({ lines, checkpoint: readFileSync(checkpointFile, "utf8") }, verifier);
const entry: ReleaseEntry = Release.parse({
  version: need("version"),
  commit: need("commit"),
  manifestSha256: createHash("sha256")
    .update(readFileSync(join(need("image"), "manifest.json")))
    .digest("hex"),
  measurements: (values.measured ?? []).map((file) => {
    const { platform, registers } = JSON.parse(
      readFileSync(file, "utf8"),
    ) as ReleaseEntry["measurements"][number];
    return { platform, registers };
  }),
});
lines.push(JSON.stringify(entry));
writeFileSync(entriesFile, `${lines.join("\n")}\n`);
writeFileSync(checkpointFile, signLogHead(lines, name, privateKey));
process.stdout.write(`${formatVerifierKey(verifier)}\n`);
