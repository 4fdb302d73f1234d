/** `adyton oracle key`: a new transmitter account, as a keystore file that only its password opens. */

import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { Wallet } from "ethers";
import { InputError } from "../../protocol/errors.ts";
import { readInputText } from "../input-file.ts";

/** Bytes of a password that nobody has to type. */
const PASSWORD_BYTES = 24;
const OWNER_ONLY = 0o600;

/**
 * Writes a keystore (ethers format) with a new key, and its password where there is none yet. Neither file is ever
 * overwritten.
 *
 * @returns the account's address
 * @throws {InputError} INPUT_INVALID when the keystore is there already, or the password file is empty
 */
export async function createKey(keystoreFile: string, passwordFile: string): Promise<string> {
  if (existsSync(keystoreFile)) {
    throw new InputError({
      code: "INPUT_INVALID",
      message: `${keystoreFile} is there already: a key is never overwritten`,
    });
  }
  const wallet = Wallet.createRandom();
  writeFileSync(keystoreFile, await wallet.encrypt(readPassword(passwordFile)), {
    mode: OWNER_ONLY,
    flag: "wx",
  });
  return wallet.address.toLowerCase();
}

function readPassword(file: string): string {
  if (!existsSync(file)) {
    const password = randomBytes(PASSWORD_BYTES).toString("base64url");
    writeFileSync(file, `${password}\n`, { mode: OWNER_ONLY, flag: "wx" });
    return password;
  }
  // As the node reads it.
  const password = readInputText(file).replace(/\r?\n$/, "");
  if (password === "")
    throw new InputError({ code: "INPUT_INVALID", message: `${file} is empty: it is to hold the password` });
  return password;
}
