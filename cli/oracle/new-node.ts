/** The files of a node of one's own: its configuration, with an account, a store and an admin token. */

import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolder } from "../../endorsements/files/create-folder.ts";
import { InputError } from "../../protocol/errors.ts";
import { createKey } from "./create-key.ts";

const TOKEN_BYTES = 32;
const OWNER_ONLY = 0o600;
/** Where the other commands look for a node. */
const PORT = 7_788;
export const OWN_STORE = { kind: "pglite", path: "store" } as const;
export const OWN_HTTP = { port: PORT, adminTokenFile: "admin.token" } as const;

const FILES = [
  "oracle.json",
  "policy.json",
  "transmitter.json",
  "transmitter.password",
  "admin.token",
] as const;

export interface NewNode {
  readonly configFile: string;
  readonly address: string;
  readonly files: readonly string[];
}

/** @throws {InputError} INPUT_INVALID naming the first of the files that is there already */
export function checkNothingThere(folder: string): void {
  const there = FILES.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (there === undefined) return;
  throw new InputError({
    code: "INPUT_INVALID",
    message: `${there} is there already, and is not overwritten: name another folder`,
  });
}

/**
 * Writes the files, and overwrites nothing.
 *
 * @param settings a node's configuration, but for the policy and the account
 * @param policy the appraisal policy's bytes
 * @throws {InputError} INPUT_INVALID when one of them is there, or the folder cannot be made
 */
export async function writeNode(folder: string, settings: object, policy: Uint8Array): Promise<NewNode> {
  checkNothingThere(folder);
  createFolder(folder);
  const secret = { mode: OWNER_ONLY, flag: "wx" };
  writeFileSync(join(folder, "policy.json"), policy, { flag: "wx" });
  const address = await createKey(join(folder, "transmitter.json"), join(folder, "transmitter.password"));
  writeFileSync(join(folder, "admin.token"), `${randomBytes(TOKEN_BYTES).toString("hex")}\n`, secret);
  const config = {
    ...settings,
    appraisalPolicy: "policy.json",
    transmitterKeys: [{ kind: "keystore", file: "transmitter.json", passwordFile: "transmitter.password" }],
  };
  const configFile = join(folder, "oracle.json");
  // It holds the token by which the enclave knows the node.
  writeFileSync(configFile, `${JSON.stringify(config, null, 2)}\n`, secret);
  return { configFile, address, files: FILES };
}
