/** The files of an upgrade: what owners sign, and the log that it is announced in. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { parsePolicyFile } from "../../attestation/index.ts";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { addressOfPublicKey, signDigest } from "../../protocol/answer.ts";
import type { Hex } from "../../protocol/bytes.ts";
import { parseJson } from "../../protocol/canonical-json.ts";
import { InputError } from "../../protocol/errors.ts";
import { configurationDigest } from "../../protocol/keyset.ts";
import { signLogHead } from "../../protocol/receipt-log.ts";
import {
  encodeSignedUpgrade,
  SignedUpgrade,
  UpgradeAuthority,
  upgradeAuthorityId,
  upgradeDigest,
  type EnclaveProgram,
} from "../../protocol/upgrade.ts";
import { formatVerifierKey } from "../../protocol/verifier-key.ts";
import { readInput, readInputText } from "../input-file.ts";
import { readJsonFile } from "../json-file.ts";

export interface ProposeOptions {
  readonly fromPolicy: string;
  readonly fromBehaviour: string;
  readonly toPolicy: string;
  readonly toBehaviour: string;
  readonly sequence: number;
  readonly out: string;
}

const BehaviourWithUpgrades = z.looseObject({
  upgrades: z.strictObject({ sequence: z.int(), authority: UpgradeAuthority }),
});
const readUpgrades = (file: string): z.output<typeof BehaviourWithUpgrades>["upgrades"] =>
  readJsonFile(file, BehaviourWithUpgrades, "give a behaviour file with `upgrades`").upgrades;

export function authorityOf(behaviour: string): Hex {
  return upgradeAuthorityId(readUpgrades(behaviour).authority);
}

/** @throws {InputError} INPUT_INVALID also for a sequence that the two enclaves would refuse */
export function propose(options: ProposeOptions): string {
  const { sequence, out } = options;
  const from = readUpgrades(options.fromBehaviour);
  const to = readUpgrades(options.toBehaviour);
  if (to.sequence !== sequence || from.sequence >= sequence) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `--sequence ${sequence}: the successor's behaviour file has to have it as upgrades.sequence (${to.sequence}), above that of the enclave that gives (${from.sequence})`,
    });
  }
  const signed: SignedUpgrade = {
    upgrade: {
      from: programOf(options.fromPolicy, options.fromBehaviour),
      to: programOf(options.toPolicy, options.toBehaviour),
      sequence,
    },
    signatures: [],
  };
  write(out, encodeSignedUpgrade(signed));
  const rotates = upgradeAuthorityId(from.authority) !== upgradeAuthorityId(to.authority);
  const owners = rotates ? "owners of both enclaves, which name different ones, sign" : "owners sign";
  return `${out}: ${owners} ${upgradeDigest(signed.upgrade)} (adyton upgrade sign)`;
}

function programOf(policy: string, behaviour: string): EnclaveProgram {
  // Only what is a policy is worth a signature.
  parsePolicyFile(readInput(policy), policy);
  return { policyDigest: digestOf(policy), behaviourDigest: digestOf(behaviour) };
}

const digestOf = (file: string): Hex => configurationDigest(parseJson(readInput(file)));

export function sign(file: string, keyFile: string): string {
  const { upgrade, signatures } = readSigned(file);
  const key = readKey(keyFile);
  const signature = signDigest(upgradeDigest(upgrade), key);
  write(file, encodeSignedUpgrade({ upgrade, signatures: [...new Set([...signatures, signature])] }));
  return `signed by ${addressOfPublicKey(secp256k1.getPublicKey(key, false))}`;
}

export interface AnnounceOptions {
  readonly log: string;
  readonly name: string;
  readonly key: string;
}

/** Appends, and never rewrites: witnesses refuse a log that does not continue what they saw. */
export function announce(file: string, { log, name, key: keyFile }: AnnounceOptions): string {
  const signed = readSigned(file);
  if (!existsSync(keyFile))
    writeFileSync(keyFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  const privateKey = readKey(keyFile);
  createFolder(log);
  const entriesFile = join(log, "upgrades.jsonl");
  const entries = [...(existsSync(entriesFile) ? readEntries(entriesFile) : []), encodeSignedUpgrade(signed)];
  write(entriesFile, entries.join("\n"));
  const checkpoint = join(log, "checkpoint");
  writeFileSync(checkpoint, signLogHead(entries, name, privateKey));
  const verifier = formatVerifierKey({ name, publicKey: ed25519.getPublicKey(privateKey) });
  return `${verifier}\nHave ${checkpoint} cosigned by the witnesses (c2sp.org/tlog-witness), and keep it: the timelock runs from then.`;
}

export function readEntries(file: string): readonly string[] {
  return Buffer.from(readInput(file))
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

const readSigned = (file: string): SignedUpgrade =>
  readJsonFile(file, SignedUpgrade, "adyton upgrade propose writes it");

function readKey(file: string): Uint8Array {
  const text = readInputText(file).trim();
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${file} has no key: 64 hex digits are expected`,
    });
  }
  return new Uint8Array(Buffer.from(text, "hex"));
}

const write = (file: string, text: string): void => {
  writeFileSync(file, `${text}\n`);
};
